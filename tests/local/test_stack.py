"""What `make stack` does around the deployed template; the rest of it is seen by running it."""

from local.stack import mended


def test_the_template_is_mended_where_the_emulator_reads_it_otherwise() -> None:
    template = {
        "Resources": {
            "Key": {"Type": "AWS::SecretsManager::Secret"},
            "Table": {"Type": "AWS::DynamoDB::Table"},
            "One": {
                "Type": "AWS::Serverless::Function",
                "Variables": [{"Ref": "Key"}, {"Ref": "Table"}],
                "Statement": [
                    {"Action": ["ses:SendEmail"], "Resource": ["us"], "Condition": {"As": "us"}},
                    {"Action": "dynamodb:Query", "Resource": "table", "Condition": {}},
                ],
            },
        }
    }
    one = mended(template)["Resources"]["One"]
    assert one["Variables"] == [{"Fn::GetAtt": ["Key", "Id"]}, {"Ref": "Table"}]
    assert one["Statement"] == [
        {"Action": ["ses:SendEmail"], "Resource": "*"},
        {"Action": "dynamodb:Query", "Resource": "table", "Condition": {}},
    ]
