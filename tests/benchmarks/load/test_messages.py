"""A session as its browser knows it, on messages made here."""

import pytest
from streamlit.proto.Alert_pb2 import Alert
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from benchmarks.load.messages import Conversation


def said(**fields) -> bytes:
    message = ForwardMsg()
    for name, value in fields.items():
        if isinstance(value, int):
            setattr(message, name, value)
        else:
            getattr(message, name).CopyFrom(value)
    return message.SerializeToString()


def begun(page_hash: str = "home-hash", fragments: tuple[str, ...] = ()) -> bytes:
    message = ForwardMsg()
    message.new_session.page_script_hash = page_hash
    message.new_session.initialize.session_id = "me"
    message.metadata.run.fragment_ids.extend(fragments)
    return message.SerializeToString()


def ended(status: int = ForwardMsg.FINISHED_SUCCESSFULLY) -> bytes:
    return ForwardMsg(script_finished=status).SerializeToString()


def pages(**hashes: str) -> bytes:
    message = ForwardMsg()
    for name, page_hash in hashes.items():
        message.navigation.app_pages.add(url_pathname=name, page_script_hash=page_hash, is_default=name == "home")
    return message.SerializeToString()


def timer(fragment: str, seconds: float) -> bytes:
    message = ForwardMsg()
    message.auto_rerun.fragment_id, message.auto_rerun.interval = fragment, seconds
    return message.SerializeToString()


def element(**fields: dict) -> bytes:
    message = ForwardMsg()
    for name, values in fields.items():
        part = getattr(message.delta.new_element, name)
        part.SetInParent()
        for key, value in values.items():
            setattr(part, key, value)
    return message.SerializeToString()


@pytest.fixture
def at_home() -> Conversation:
    talk = Conversation()
    talk.open("", {})
    for message in (begun(), pages(home="home-hash", runs="runs-hash"), ended()):
        talk.hear(message)
    return talk


def test_the_first_page_is_asked_for_by_its_name_and_later_ones_by_their_script(at_home):
    first = BackMsg.FromString(Conversation().open("runs", {"run": "a b"})).rerun_script
    assert (first.page_name, first.page_script_hash, first.query_string) == ("runs", "", "run=a+b")
    later = BackMsg.FromString(at_home.open("runs", {})).rerun_script
    assert (later.page_name, later.page_script_hash) == ("", "runs-hash")
    assert BackMsg.FromString(at_home.open("", {})).rerun_script.page_script_hash == "home-hash"


def test_a_page_has_arrived_when_its_own_script_has_ended_and_no_other_end_counts(at_home):
    assert at_home.arrived
    at_home.open("runs", {})
    for message in (
        ended(),  # of the page before, which was still under way
        begun("runs-hash", ("live",)),
        ended(ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY),
        begun("runs-hash"),
        ended(ForwardMsg.FINISHED_EARLY_FOR_RERUN),
    ):
        at_home.hear(message)
        assert not at_home.arrived
    at_home.hear(ended())
    assert at_home.arrived


def test_live_parts_are_run_again_until_the_app_stops_them_or_another_page_is_drawn(at_home):
    for fragment, seconds in (("status", 3.0), ("queue", 2.0), ("check", 1.0)):
        at_home.hear(timer(fragment, seconds))
    stopped = ForwardMsg()
    stopped.stop_auto_rerun.fragment_ids.append("check")
    at_home.hear(stopped.SerializeToString())
    assert at_home.timers == {"status": 3.0, "queue": 2.0}
    sent = BackMsg.FromString(at_home.run_fragment("queue")).rerun_script
    assert (sent.fragment_id, sent.is_auto_rerun, sent.page_script_hash) == ("queue", True, "home-hash")
    at_home.hear(begun("home-hash", ("queue",)))  # the live part's own run leaves all as it is
    assert at_home.timers == {"status": 3.0, "queue": 2.0}
    at_home.hear(begun("runs-hash"))
    assert at_home.timers == {}


def test_exceptions_and_error_boxes_are_noted_and_warnings_are_not():
    talk = Conversation()
    talk.hear(element(exception={"type": "ValueError", "message": "no such column"}))
    talk.hear(element(alert={"body": "It is gone.", "format": Alert.ERROR}))
    talk.hear(element(alert={"body": "Take care.", "format": Alert.WARNING}))
    talk.hear(ended(ForwardMsg.FINISHED_WITH_COMPILE_ERROR))
    assert talk.errors == ["ValueError: no such column", "a script does not compile"]
    assert talk.refusals == ["It is gone."]


def test_large_messages_are_remembered_for_two_more_runs_and_named_to_the_app(at_home):
    large = ForwardMsg(hash="large")
    large.metadata.cacheable = True
    large.delta.new_element.text.body = "much"
    at_home.hear(large.SerializeToString())
    for _ in range(2):
        assert list(BackMsg.FromString(at_home.open("", {})).rerun_script.cached_message_hashes) == ["large"]
        at_home.hear(begun())
        at_home.hear(ForwardMsg(ref_hash="large").SerializeToString())
        at_home.hear(ended())
    assert at_home.errors == []
    at_home.open("", {})
    at_home.hear(begun())
    at_home.hear(ended())
    assert not BackMsg.FromString(at_home.open("", {})).rerun_script.cached_message_hashes
    at_home.hear(ForwardMsg(ref_hash="large").SerializeToString())
    assert len(at_home.errors) == 1


def test_an_upload_stays_with_its_page_and_not_with_the_next(at_home):
    at_home.hear(element(file_uploader={"id": "uploader"}))
    asked = BackMsg.FromString(at_home.ask_for_upload("scan.png")).file_urls_request
    assert (asked.session_id, list(asked.file_names)) == ("me", ["scan.png"])
    answer = ForwardMsg()
    answer.file_urls_response.file_urls.add(file_id="file", upload_url="/upload/file")
    at_home.hear(answer.SerializeToString())
    for sent in (at_home.show_upload("scan.png", 5), at_home.run_fragment("status")):
        (widget,) = BackMsg.FromString(sent).rerun_script.widget_states.widgets
        assert widget.id == "uploader"
        assert widget.file_uploader_state_value.uploaded_file_info[0].file_id == "file"
    assert not BackMsg.FromString(at_home.open("runs", {})).rerun_script.widget_states.widgets
