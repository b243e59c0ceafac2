"""Downloads with a password, and servers that break off or answer nonsense."""

import base64
import http.server
import threading
import zipfile

import pytest

from fakefaces.base.errors import DataError
from fakefaces.ingest import importing
from fakefaces.ingest.archives import download
from fakefaces.ingest.importing import Options, import_photographs
from tests.conftest import write_photographs

PASSWORD = "ge/h@im 99"
BROKEN = {
    "/status": b"nonsense\r\n\r\n",
    "/length": b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort",
    "/chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nshort\r\n",
    "/silent": b"",
}


@pytest.fixture
def address(tmp_path):
    """The address of a server that asks for a password, with it."""
    expected = "Basic " + base64.b64encode(f"me:{PASSWORD}".encode()).decode()
    photographs = write_photographs(tmp_path / "mine", reals=2, fakes=2)
    with zipfile.ZipFile(tmp_path / "faces.zip", "w") as archive:
        for image in photographs.rglob("*.jpg"):
            archive.write(image, image.relative_to(tmp_path))

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            if answer := BROKEN.get(self.path):
                self.wfile.write(answer)
            elif self.path in BROKEN:
                self.close_connection = True
            elif self.headers["Authorization"] != expected:
                self.send_error(401)
            else:
                data = (tmp_path / "faces.zip").read_bytes()
                self.send_response(200)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

        def log_message(self, *arguments):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://me:ge%2Fh%40im%2099@127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_password_is_sent_and_is_neither_printed_nor_kept(address, tmp_path, monkeypatch, capsys):
    sources, root = [], tmp_path / "project"
    root.mkdir()
    monkeypatch.setattr(importing, "replace_data", lambda root, new, source: sources.append(source))
    import_photographs(f"{address}/faces.zip", root, Options(mode="replace"))
    import_photographs(f"{address}/faces.zip?token=geheim", root, Options(mode="replace"))
    assert sources == ["", ""]
    printed = capsys.readouterr().err
    assert "me:***@127.0.0.1" in printed and "name it again to update" in printed
    assert not any(secret in printed for secret in ("im%2099", "im 99", "geheim"))


@pytest.mark.parametrize("path", BROKEN)
def test_a_server_that_breaks_off_is_a_sentence(address, tmp_path, path):
    with pytest.raises(DataError, match="cannot be fetched|the answer ended after"):
        download(address + path, tmp_path / "download")


@pytest.mark.parametrize(
    "address", ["http://", "http://[", "http://host:port/x.zip", "https://a b/x.zip", "http://\n/"]
)
def test_an_address_of_nothing_is_a_sentence(address, tmp_path):
    with pytest.raises(DataError, match="cannot be fetched"):
        download(address, tmp_path / "download")
