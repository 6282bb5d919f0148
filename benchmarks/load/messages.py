"""What a browser keeps of its talk with a Streamlit app, without a browser: messages in, messages out. No network and no clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode

from streamlit.proto.Alert_pb2 import Alert
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Common_pb2 import FileURLs, UploadedFileInfo
from streamlit.proto.Element_pb2 import Element
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg, ForwardMsgMetadata

REMEMBERED_RUNS = 2  # full runs for which a browser remembers a large message, Streamlit's `global.maxCachedMessageAge`


@dataclass
class Conversation:
    """One session, as its browser knows it. `hear` takes what the app sends; the other methods make what is to be sent."""

    session: str = ""
    pages: dict[str, str] = field(default_factory=dict)  # name in the address → hash of its script
    timers: dict[str, float] = field(default_factory=dict)  # fragment → seconds between two of its runs
    uploader: str = ""  # id of the page's first file uploader
    upload_urls: list[FileURLs] = field(default_factory=list)  # answers to `ask_for_upload`, not used yet
    pictures: list[str] = field(default_factory=list)  # addresses on the server that the page shows
    errors: list[str] = field(default_factory=list)  # exceptions, scripts that do not compile, pages that are not there
    refusals: list[str] = field(default_factory=list)  # error boxes, as the app shows them for its own errors
    arrived: bool = True  # whether the page that was asked for last has been drawn to its end
    _query: str = ""
    _asked: str = ""  # hash of the page that was asked for last
    _by_name: bool = False  # whether it was asked for by its name, so that the app says which script that is
    _begun: bool = True  # whether its script has
    _files: list[UploadedFileInfo] = field(default_factory=list)
    _remembered: dict[str, int] = field(default_factory=dict)  # hash of a large message → the full run that brought it
    _runs: int = 0

    def open(self, page: str, query: Mapping[str, str]) -> bytes:
        """Ask for a page: by its name while nothing else is known, as a browser does with the address that it was given."""
        self._query, self._asked = urlencode(query), self.pages.get(page, "")
        self._by_name = not self._asked
        self._files, self.uploader, self.pictures = [], "", []
        return self._rerun(page_name=page if self._by_name else "")

    def run_fragment(self, fragment: str) -> bytes:
        """What a browser sends by itself whenever a live part's time has come."""
        message = self._message(fragment_id=fragment, is_auto_rerun=True)
        return message.SerializeToString()

    def ask_for_upload(self, name: str) -> bytes:
        """Ask where a file may be sent; the answer comes into `upload_urls`."""
        message = BackMsg()
        message.file_urls_request.request_id = name
        message.file_urls_request.file_names.append(name)
        message.file_urls_request.session_id = self.session
        return message.SerializeToString()

    def show_upload(self, name: str, size: int) -> bytes:
        """Give the file that was sent to the page's uploader; the page is drawn anew."""
        urls = self.upload_urls.pop()
        self._files = [UploadedFileInfo(name=name, size=size, file_id=urls.file_id, file_urls=urls)]
        return self._rerun()

    def hear(self, data: bytes) -> None:
        """Take in one message of the app."""
        message = ForwardMsg.FromString(data)
        kind = message.WhichOneof("type")
        if message.metadata.cacheable:
            self._remembered[message.hash] = self._runs
        if kind == "delta":
            if message.delta.WhichOneof("type") == "new_element":
                self._see(message.delta.new_element)
        elif kind == "new_session":
            self._begin(message)
        elif kind == "script_finished":
            self._end(message.script_finished)
        elif kind == "navigation":
            pages = message.navigation.app_pages
            self.pages = {"" if page.is_default else page.url_pathname: page.page_script_hash for page in pages}
        elif kind == "auto_rerun":
            self.timers[message.auto_rerun.fragment_id] = message.auto_rerun.interval
        elif kind == "stop_auto_rerun":
            for fragment in message.stop_auto_rerun.fragment_ids:
                self.timers.pop(fragment, None)
        elif kind == "page_info_changed":
            self._query = message.page_info_changed.query_string
        elif kind == "page_not_found":
            self.errors.append("page not found")
        elif kind == "file_urls_response":
            self.upload_urls = list(message.file_urls_response.file_urls)
        elif kind == "ref_hash" and message.ref_hash not in self._remembered:
            self.errors.append("a message is referred to that this session was never sent")

    def _see(self, element: Element) -> None:
        kind = element.WhichOneof("type")
        if kind == "exception":
            self.errors.append(f"{element.exception.type}: {element.exception.message}")
        elif kind == "alert" and element.alert.format == Alert.ERROR:
            self.refusals.append(element.alert.body)
        elif kind == "file_uploader":
            self.uploader = self.uploader or element.file_uploader.id
        elif kind == "imgs":
            self.pictures += [image.url for image in element.imgs.imgs if image.url.startswith("/")]

    def _begin(self, message: ForwardMsg) -> None:
        new = message.new_session
        self.session = new.initialize.session_id or self.session
        if _is_of_fragment(message.metadata):
            return
        self.timers.clear()  # those of this run are told again
        if self._by_name:  # on its first request a server takes a page for one of the older kind, and changes its mind
            self._asked = new.page_script_hash
        self._begun = self._asked == new.page_script_hash

    def _end(self, status: int) -> None:
        if status == ForwardMsg.FINISHED_WITH_COMPILE_ERROR:
            self.errors.append("a script does not compile")
        if status == ForwardMsg.FINISHED_SUCCESSFULLY and self._begun:
            self.arrived = True
            self._runs += 1
            self._remembered = {name: run for name, run in self._remembered.items() if self._runs - run <= REMEMBERED_RUNS}

    def _rerun(self, page_name: str = "") -> bytes:
        message = self._message(page_name=page_name)
        self.arrived = self._begun = False
        return message.SerializeToString()

    def _message(self, **fields: object) -> BackMsg:
        message = BackMsg()
        state = message.rerun_script
        state.query_string, state.page_script_hash = self._query, self._asked
        state.cached_message_hashes.extend(self._remembered)
        state.context_info.timezone, state.context_info.locale = "UTC", "en"
        if self._files:
            widget = state.widget_states.widgets.add(id=self.uploader)
            widget.file_uploader_state_value.uploaded_file_info.extend(self._files)
        for name, value in fields.items():
            setattr(state, name, value)
        return message


def _is_of_fragment(metadata: ForwardMsgMetadata) -> bool:
    return bool(metadata.run.fragment_ids)
