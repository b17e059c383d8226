"""What Powertools costs by itself: its logger and a validating resolver with one route and model.
Nothing built on them starts for less."""

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from pydantic import BaseModel

logger = Logger(service="resolver")
app = APIGatewayHttpResolver(enable_validation=True)


class Session(BaseModel):
    id: str


@app.get("/v1/session")
def session() -> Session:
    return Session(id="-1002")


def lambda_handler(event, context):
    logger.info("request")
    return app.resolve(event, context)
