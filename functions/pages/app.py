from foyer.web.api import new_api, serve

app = new_api(enable_validation=False)


def lambda_handler(event, context):
    return serve(app, event, context)
