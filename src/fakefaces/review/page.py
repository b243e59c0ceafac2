"""The page itself, with NiceGUI: bound to this machine, everything it shows comes from it."""

import asyncio
from pathlib import Path
from typing import Any

from nicegui import app, run, ui
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from fakefaces.data.images import MAX_BYTES
from fakefaces.inference.metadata import DetectorMetadata
from fakefaces.review.pictures import picture
from fakefaces.review.queue import ORDERS, Item, Queue

HOST = "127.0.0.1"
_BATCH = 16  # photographs scored at a time
_WAITING = 64  # that may wait in memory; a browser that sends faster has to wait itself
_ROWS = 100  # of the queue that are shown at once
_ASSETS = Path(__file__).parent


def serve(queue: Queue, metadata: DetectorMetadata, *, exports: Path, port: int, show: bool) -> None:
    """Serve the page until it is interrupted.

    Args:
        queue: of the photographs.
        metadata: the champion's.
        exports: the folder that the corrections go to.
        port: of this machine.
        show: open it in a browser.
    """
    ui.add_css(_ASSETS / "review.css", shared=True)
    ui.add_body_html(f"<script>{(_ASSETS / 'drop.js').read_text(encoding='utf-8')}</script>", shared=True)
    # Another site's page must not talk to this one by a name that leads here.
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=[HOST, "localhost"])
    waiting: asyncio.Queue[tuple[str, bytes]] = asyncio.Queue(_WAITING)
    app.add_api_route("/files", _taking(queue, waiting, port), methods=["POST"])
    app.add_api_route("/picture/{key}", _showing(queue), methods=["GET"])
    tasks: list[asyncio.Task[None]] = []
    app.on_startup(lambda: tasks.append(asyncio.create_task(_scoring(queue, waiting))))

    @ui.page("/", title="fakefaces: review")
    def page() -> None:
        Page(queue, metadata, waiting, exports).draw()

    ui.run(host=HOST, port=port, reload=False, show=show, dark=None, favicon="🔍", show_welcome_message=False)


class Page:
    """What one browser window shows.

    Attributes:
        queue: of the photographs.
        chosen: the key of the one that is open, or None.
        order: one of ``ORDERS``.
    """

    def __init__(self, queue: Queue, metadata: DetectorMetadata, waiting: "asyncio.Queue[Any]", exports: Path):
        self.queue = queue
        self.metadata = metadata
        self.waiting = waiting
        self.exports = exports
        self.chosen: str | None = None
        self.order: str = ORDERS[0]
        self.heat = True
        self._picked = False  # by a person; until then the first of the queue is open
        self._drawn = -1

    def draw(self) -> None:
        """Build the page."""
        ui.colors(primary="#1f5f99", positive="#1c7c4a", negative="#b3402a")
        with ui.header().classes("bar"):
            ui.label("fakefaces review").classes("title")
            ui.label(_decides(self.metadata)).classes("decides")
        with ui.element("div").classes("drop").props('id=drop role=group aria-label="Add photographs"'):
            ui.label("Drop photographs or a folder here, or choose")
            ui.button("Files", on_click=lambda: ui.run_javascript("pick('files')")).props("outline no-caps")
            ui.button("A folder", on_click=lambda: ui.run_javascript("pick('folder')")).props("outline no-caps")
            self.state = ui.label("").props("id=state aria-live=polite")
        with ui.element("div").classes("work"):
            with ui.element("section").classes("queue").props('aria-label="Queue"'):
                with ui.row().classes("tools"):
                    ui.toggle(list(ORDERS), value=self.order, on_change=self._ordered).props("dense no-caps id=order")
                    ui.button("Export", on_click=self._export).props("id=export dense no-caps")
                self.rows = ui.list().props('separator id=rows aria-label="Photographs"')
                self.refusals = ui.element("div").props("id=refused role=status")
            self.detail = ui.element("section").classes("detail").props('id=detail aria-label="The chosen photograph"')
        ui.keyboard(on_key=self._key)
        ui.timer(0.3, self._tick)

    def _tick(self) -> None:
        left = self.waiting.qsize()
        self.state.text = f"{len(self.queue)} scored" + (f", {left} waiting" if left else "")
        if self._drawn != self.queue.version:
            self._drawn = self.queue.version
            self._show()

    def _show(self) -> None:
        items = self.queue.sorted(self.order)
        if not self._picked and items:
            self.chosen = items[0].key
        self.rows.clear()
        with self.rows:
            for item in items[:_ROWS]:
                self._row(item)
            if len(items) > _ROWS:
                ui.item_label(f"and {len(items) - _ROWS} more").props("header")
        self.refusals.clear()
        with self.refusals:
            for name, reason in self.queue.refused:
                ui.label(f"{name}: {reason}").classes("refusal")
        self._show_detail()

    def _row(self, item: Item) -> None:
        with ui.item(on_click=lambda: self._choose(item.key)).props(f"data-key={item.key}") as row:
            row.props["active"] = item.key == self.chosen
            with ui.item_section().props("avatar"):
                ui.element("img").props(f'src="/picture/{item.key}?side=96" alt="" width=48 height=48')
            with ui.item_section():
                ui.item_label(item.name).classes("name")
                ui.item_label(_verdict(item)).props("caption")
            with ui.item_section().props("side"):
                ui.label(f"{item.p_fake:.3f}").classes(f"score {item.label}")
                if item.given:
                    ui.badge(f"you: {item.given}", color="positive" if item.given == "real" else "negative")

    def _show_detail(self) -> None:
        self.detail.clear()
        item = self.queue.item(self.chosen) if self.chosen else None
        if item is None:
            return
        with self.detail:
            ui.label(item.name).classes("name")
            warm = int(self.heat and item.heat is not None)
            about = "The photograph with its heat map over it" if warm else "The photograph"
            image = ui.element("img").classes("photograph")
            image.props(f'id=photograph src="/picture/{item.key}?heat={warm}" alt="{about}"')
            _meter(item.p_fake, self.metadata)
            ui.label(f"{item.p_fake:.3f}: {_verdict(item)}").classes("verdict").props("id=verdict")
            parts = ", ".join(part.replace("_", " ") for part in item.parts) or "none"
            ui.label(f"Suspected parts: {parts}").props("id=parts")
            ui.label(f"Your label: {item.given or 'none'}").props("id=given")
            with ui.row():
                ui.button("It is real", on_click=lambda: self._label("real")).props("id=real no-caps color=positive")
                ui.button("It is fake", on_click=lambda: self._label("fake")).props("id=fake no-caps color=negative")
                ui.button("No label", on_click=lambda: self._label(None)).props("id=none no-caps outline")
                if item.heat is not None:
                    ui.switch("Heat map", value=self.heat, on_change=self._heated).props("id=heat")
            ui.label("Keys: R real, F fake, U no label, ↑ ↓ through the queue").classes("hint")

    def _choose(self, key: str) -> None:
        self.chosen, self._picked = key, True
        self._show()

    def _ordered(self, event: Any) -> None:
        self.order = event.value
        self._show()

    def _heated(self, event: Any) -> None:
        self.heat = bool(event.value)
        self._show_detail()

    def _label(self, given: str | None) -> None:
        if self.chosen:
            self._picked = True
            self.queue.label(self.chosen, given)
            self._drawn = self.queue.version
            self._show()

    def _walk(self, by: int) -> None:
        keys = [item.key for item in self.queue.sorted(self.order)[:_ROWS]]
        if keys:
            at = keys.index(self.chosen) if self.chosen in keys else 0
            self._choose(keys[max(0, min(len(keys) - 1, at + by))])

    def _key(self, event: Any) -> None:
        if not event.action.keydown or event.modifiers.ctrl or event.modifiers.meta or event.modifiers.alt:
            return
        labels: dict[str, str | None] = {"r": "real", "f": "fake", "u": None}
        if event.key.name.lower() in labels:
            self._label(labels[event.key.name.lower()])
        elif event.key.arrow_down or event.key.arrow_up:
            self._walk(1 if event.key.arrow_down else -1)

    async def _export(self) -> None:
        made = await run.io_bound(self.queue.export, self.exports)
        if made is None:  # the page is being closed
            return
        table, count = made
        message = f"{table}: {count} labelled images. Take them into data/ with: fakefaces data {table}"
        ui.notify(message, type="positive", position="bottom", multi_line=True, close_button="Close", timeout=0)


def _taking(queue: Queue, waiting: "asyncio.Queue[tuple[str, bytes]]", port: int) -> Any:
    origins = {f"http://{host}:{port}" for host in (HOST, "localhost")}

    async def take(request: Request, name: str) -> Response:
        if request.headers.get("origin") not in origins:
            return JSONResponse({"problem": "only this page may send photographs"}, 403)
        data = bytearray()
        async for chunk in request.stream():
            data += chunk
            if len(data) > MAX_BYTES:
                queue.refuse(name, f"more than {MAX_BYTES:,} bytes")
                return JSONResponse({"problem": "too large"}, 413)
        await waiting.put((name[:300], bytes(data)))
        return JSONResponse({}, 202)

    return take


def _showing(queue: Queue) -> Any:
    def show(key: str, heat: int = 0, side: int = 900) -> Response:
        item = queue.item(key)
        if item is None:
            return Response(status_code=404)
        made = picture(queue.data(key), item.heat if heat else None, max(32, min(side, 1600)))
        return Response(made, media_type="image/webp", headers={"Cache-Control": "private, max-age=3600"})

    return show


async def _scoring(queue: Queue, waiting: "asyncio.Queue[tuple[str, bytes]]") -> None:
    while True:
        batch = [await waiting.get()]
        while len(batch) < _BATCH and not waiting.empty():
            batch.append(waiting.get_nowait())
        try:
            await run.io_bound(queue.add, batch)
        except Exception as error:  # whatever one batch does, the page goes on
            for name, _ in batch:
                queue.refuse(name, f"it could not be scored ({' '.join(str(error).split())[:200]})")


def _decides(metadata: DetectorMetadata) -> str:
    at = metadata.operating
    if at is None:
        return f"champion {metadata.model}: fake from {metadata.threshold:.3f} on"
    low = "0" if at.low is None else f"{at.low:.3f}"
    high = "1" if at.high is None else f"{at.high:.3f}"
    return f"champion {metadata.model}: fake from {at.threshold:.3f} on, unsure from {low} to {high}"


def _verdict(item: Item) -> str:
    return f"called {item.label}" + (", unsure" if item.unsure else "")


def _meter(p_fake: float, metadata: DetectorMetadata) -> None:
    """The score on a line from 0 to 1, with the unsure band and the threshold."""
    at = metadata.operating
    with ui.element("div").classes("meter").props('aria-hidden="true"'):
        if at is not None:
            low, high = 0.0 if at.low is None else at.low, 1.0 if at.high is None else at.high
            ui.element("i").classes("band").style(f"left: {100 * low:.2f}%; width: {100 * max(0.0, high - low):.2f}%")
        ui.element("i").classes("limit").style(f"left: {100 * (at.threshold if at else metadata.threshold):.2f}%")
        ui.element("i").classes("at").style(f"left: {100 * p_fake:.2f}%")
