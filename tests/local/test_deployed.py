"""What an operator's commands decide by themselves; `make stack` runs them on a deployed site."""

import json

import pytest

from local import deployed

NEWS = {"source": "aws.ses", "detail": {"eventType": "Bounce"}}


@pytest.mark.parametrize("letter", [NEWS, {"version": "1.0", "requestPayload": NEWS}])
def test_news_of_a_mail_is_found_as_it_was_and_as_lambda_wraps_it(letter: object) -> None:
    assert json.loads(deployed.news_in(json.dumps(letter)) or b"null") == NEWS


@pytest.mark.parametrize(
    "letter",
    [
        '{"requestContext": {}, "DDBStreamBatchInfo": {"batchSize": 1}}',
        '{"requestPayload": {"trigger": "redrive"}}',
        '{"requestPayload": null}',
        "[]",
        "null",
        "no JSON",
    ],
)
def test_any_other_letter_holds_no_news(letter: str) -> None:
    assert deployed.news_in(letter) is None


def test_a_version_says_of_which_release_it_is_behind_its_description() -> None:
    name = "0a" * 32
    assert deployed._release({"Description": f"Who am I, signing in. {name}"}) == name
    assert deployed._release({"Description": "Who am I, signing in."}) is None
    assert deployed._release({}) is None


@pytest.mark.parametrize("command", ["rollback", "shut", "reopen", "replay"])
def test_a_command_without_a_stack_says_what_to_say(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("STACK", raising=False)
    assert deployed.main([command]) == 1
    assert f"make {command} STACK=foyer" in capsys.readouterr().err
