"""What no framework costs: a handler that reads the event and writes the JSON."""

import json

HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
GENERIC = {
    "user": {
        "id": "-1002",
        "registration_type": "G",
        "profile_type": None,
        "status": None,
        "email": None,
        "name": None,
        "roles": [],
    },
    "authentication": "generic",
    "cart": {"line_count": 0},
    "next": [],
}


def lambda_handler(event, context):
    if event["routeKey"] == "GET /v1/session":
        return _answer(200, "application/json", GENERIC)
    body = json.loads(event["body"])
    if not 1 <= body["quantity"] <= 99:
        problem = {
            "type": "/problems/invalid_input",
            "title": "Please check what you sent",
            "status": 422,
            "detail": "Something in it is missing or not as it should be. Nothing was changed.",
            "instance": event["requestContext"]["requestId"],
            "code": "invalid_input",
            "errors": [
                {
                    "pointer": "#/quantity",
                    "code": "out_of_range",
                    "detail": "This is too small or too large.",
                }
            ],
        }
        return _answer(422, "application/problem+json", problem)
    return _answer(201, "application/json", cart())


def cart():
    """Ten lines, as `bench.requests` puts them into ours."""
    lines = [
        {
            "id": f"line-{n}",
            "product_id": f"thing-{n}",
            "gallery_id": None,
            "picture_id": None,
            "name": f"Thing {n}",
            "quantity": n,
            "unit_price": {"amount": 100, "currency": "EUR"},
            "total": {"amount": 100 * n, "currency": "EUR"},
            "available": True,
        }
        for n in range(1, 11)
    ]
    return {
        "lines": lines,
        "shipping": {"amount": 500, "currency": "EUR"},
        "total": {"amount": 6000, "currency": "EUR"},
        "version": 10,
        "quote": "kept-as-it-is",
    }


def _answer(status, media_type, body):
    return {
        "statusCode": status,
        "headers": {**HEADERS, "Content-Type": media_type},
        "body": json.dumps(body),
        "isBase64Encoded": False,
    }
