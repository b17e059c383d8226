"""TYPICAL: a function as Powertools' documentation shows one, with all that is usual at import."""

import boto3
from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from aws_lambda_powertools.metrics import MetricUnit
from pydantic import BaseModel

logger = Logger(service="typical")
tracer = Tracer(service="typical")
metrics = Metrics(namespace="Typical", service="typical")
app = APIGatewayHttpResolver(enable_validation=True)
table = boto3.resource("dynamodb").Table("table")
ses = boto3.client("sesv2")


class Profile(BaseModel):
    name: str
    language: str = "en"


class User(BaseModel):
    id: str
    profile: Profile | None = None


class Line(BaseModel):
    product_id: str
    quantity: int


class Cart(BaseModel):
    lines: list[Line]


class Session(BaseModel):
    user: User
    cart: Cart


@app.get("/v1/session")
def session() -> Session:
    return Session(user=User(id="-1002"), cart=Cart(lines=[]))


@logger.inject_lambda_context
@tracer.capture_lambda_handler
@metrics.log_metrics
def lambda_handler(event, context):
    metrics.add_metric("Sessions", MetricUnit.Count, 1)
    return app.resolve(event, context)
