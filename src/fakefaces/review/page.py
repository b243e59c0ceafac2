"""The review page, with NiceGUI: it listens on this machine only and loads nothing from elsewhere."""

import asyncio
import itertools
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from nicegui import app, run, ui
from nicegui.events import KeyEventArguments, ValueChangeEventArguments
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from fakefaces.data.images import MAX_BYTES
from fakefaces.inference.metadata import DetectorMetadata
from fakefaces.review.queue import ORDERS, Item, Queue, webp_preview
from fakefaces.web.same_origin import SameOrigin

HOST = "127.0.0.1"
_BATCH_SIZE = 16  # photographs scored at a time
_BATCH_BYTES = 16 * 2**20  # from which on a batch takes no more photographs
_MAX_WAITING = 64  # uploads; a browser that sends faster has to wait
_MAX_ROWS = 100  # of the queue on the page
Upload = tuple[str, Path]  # the name of a photograph where it came from, and the file of its bytes
_ASSETS = Path(__file__).parent
_LABEL_BUTTONS = (
    ("real", "It is real", "id=real color=positive"),
    ("fake", "It is fake", "id=fake color=negative"),
    (None, "No label", "id=none outline"),
)


def serve(queue: Queue, metadata: DetectorMetadata, *, exports: Path, port: int, show: bool) -> None:
    """Serve the page on this machine only until it is interrupted; ``show`` opens it in a browser."""
    ui.add_css(_ASSETS / "review.css", shared=True)
    ui.add_body_html(f"<script>{(_ASSETS / 'drop.js').read_text(encoding='utf-8')}</script>", shared=True)
    app.add_middleware(SameOrigin)  # sockets too, by which NiceGUI's page speaks
    waiting: asyncio.Queue[Upload] = asyncio.Queue(_MAX_WAITING)
    numbers = itertools.count()
    tasks: list[asyncio.Task[None]] = []
    app.on_startup(lambda: tasks.append(asyncio.create_task(_score_uploads(queue, waiting))))

    @app.post("/files")
    async def upload(request: Request, name: str) -> Response:
        if "origin" not in request.headers:
            return JSONResponse({"problem": "only the review page may send photographs"}, 403)
        path = queue.folder / f".upload-{next(numbers)}"  # on the disk, since many may wait
        try:
            with path.open("wb") as file:
                async for chunk in request.stream():
                    file.write(chunk)
                    if file.tell() > MAX_BYTES:
                        queue.refuse(name, f"more than {MAX_BYTES:,} bytes")
                        path.unlink()
                        return JSONResponse({"problem": "too large"}, 413)
            await waiting.put((name[:300], path))
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        return JSONResponse({}, 202)

    @app.get("/picture/{key}")
    def preview(key: str, heatmap: int = 0, side: int = 900) -> Response:
        item = queue.item(key)
        if item is None:
            return Response(status_code=404)
        webp = webp_preview(queue.data(key), item.heatmap if heatmap else None, max(32, min(side, 1600)))
        return Response(webp, media_type="image/webp", headers={"Cache-Control": "private, max-age=3600"})

    @ui.page("/", title="fakefaces: review")
    def page() -> None:
        Page(queue, metadata, waiting, exports).draw()

    ui.run(host=HOST, port=port, reload=False, show=show, dark=None, favicon="🔍", show_welcome_message=False)


@dataclass(eq=False)
class Page:
    """State of one browser window."""

    queue: Queue
    metadata: DetectorMetadata  # the champion's
    waiting: "asyncio.Queue[Upload]"  # uploads that are not scored yet
    exports: Path  # folder of the exported corrections
    selected: str | None = None  # key of the open photograph
    order: str = ORDERS[0]
    heatmap: bool = True
    _selected_by_user: bool = False  # until then the first of the queue is open
    _drawn_version: int = -1

    def draw(self) -> None:
        """Build the page."""
        ui.colors(primary="#1f5f99", positive="#1c7c4a", negative="#b3402a")
        with ui.header().classes("bar"):
            ui.label("fakefaces review").classes("title")
            ui.label(_champion_summary(self.metadata)).classes("champion")
            if self.metadata.caution:
                ui.label(self.metadata.caution).classes("champion").props("id=caution role=note")
        with ui.element("div").classes("drop").props('id=drop role=group aria-label="Add photographs"'):
            ui.label("Drop photographs or a folder here, or choose")
            ui.button("Files", on_click=lambda: ui.run_javascript("pick('files')")).props("outline no-caps")
            ui.button("A folder", on_click=lambda: ui.run_javascript("pick('folder')")).props("outline no-caps")
            self.state = ui.label("").props("id=state aria-live=polite")
        with ui.element("div").classes("work"):
            with ui.element("section").classes("queue").props('aria-label="Queue"'):
                with ui.row().classes("tools"):
                    ui.toggle(list(ORDERS), value=self.order, on_change=self._set_order).props("dense no-caps id=order")
                    ui.button("Export", on_click=self._export).props("id=export dense no-caps")
                self.rows = ui.list().props('separator id=rows aria-label="Photographs"')
                self.refusals = ui.element("div").props("id=refused role=status")
            self.detail = ui.element("section").classes("detail").props('id=detail aria-label="Selected photograph"')
        ui.keyboard(on_key=self._key)
        ui.timer(0.3, self._tick)

    def _tick(self) -> None:
        n_waiting = self.waiting.qsize()
        self.state.text = f"{len(self.queue)} scored" + (f", {n_waiting} waiting" if n_waiting else "")
        if self._drawn_version != self.queue.version:
            self._drawn_version = self.queue.version
            self._draw_queue()

    def _draw_queue(self) -> None:
        items = self.queue.sorted(self.order)
        if not self._selected_by_user and items:
            self.selected = items[0].key
        self.rows.clear()
        with self.rows:
            for item in items[:_MAX_ROWS]:
                self._draw_row(item)
            if len(items) > _MAX_ROWS:
                ui.item_label(f"and {len(items) - _MAX_ROWS} more").props("header")
        self.refusals.clear()
        with self.refusals:
            for name, reason in self.queue.refused:
                ui.label(f"{name}: {reason}").classes("refusal")
        self._draw_detail()

    def _draw_row(self, item: Item) -> None:
        with ui.item(on_click=lambda: self._select(item.key)).props(f"data-key={item.key}") as row:
            row.props["active"] = item.key == self.selected
            with ui.item_section().props("avatar"):
                ui.element("img").props(f'src="/picture/{item.key}?side=96" alt="" width=48 height=48')
            with ui.item_section():
                ui.item_label(item.name).classes("name")
                ui.item_label(_prediction(item)).props("caption")
            with ui.item_section().props("side"):
                ui.label(f"{item.p_fake:.3f}").classes(f"score {item.predicted}")
                if item.label:
                    ui.badge(f"you: {item.label}", color="positive" if item.label == "real" else "negative")

    def _draw_detail(self) -> None:
        self.detail.clear()
        item = self.queue.item(self.selected) if self.selected else None
        if item is None:
            return
        with self.detail:
            ui.label(item.name).classes("name")
            overlay = int(self.heatmap and item.heatmap is not None)
            alt = "The photograph with its heatmap over it" if overlay else "The photograph"
            image = ui.element("img").classes("photograph")
            image.props(f'id=photograph src="/picture/{item.key}?heatmap={overlay}" alt="{alt}"')
            _draw_score_meter(item.p_fake, self.metadata)
            ui.label(f"{item.p_fake:.3f}: {_prediction(item)}").classes("prediction").props("id=prediction")
            parts = ", ".join(part.replace("_", " ") for part in item.parts) or "none"
            ui.label(f"Suspected parts: {parts}").props("id=parts")
            ui.label(f"Your label: {item.label or 'none'}").props("id=label")
            with ui.row():
                for label, text, style in _LABEL_BUTTONS:
                    ui.button(text, on_click=partial(self._set_label, label)).props(f"no-caps {style}")
                if item.heatmap is not None:
                    ui.switch("Heatmap", value=self.heatmap, on_change=self._toggle_heatmap).props("id=heatmap")
            ui.label("Keys: R real, F fake, U no label, ↑ ↓ through the queue").classes("hint")

    def _select(self, key: str) -> None:
        self.selected, self._selected_by_user = key, True
        self._draw_queue()

    def _set_order(self, event: ValueChangeEventArguments[str]) -> None:
        self.order = event.value
        self._draw_queue()

    def _toggle_heatmap(self, event: ValueChangeEventArguments[bool | None]) -> None:
        self.heatmap = bool(event.value)
        self._draw_detail()

    def _set_label(self, label: str | None) -> None:
        if self.selected:
            self._selected_by_user = True
            self.queue.set_label(self.selected, label)
            self._drawn_version = self.queue.version
            self._draw_queue()

    def _move(self, rows: int) -> None:
        keys = [item.key for item in self.queue.sorted(self.order)[:_MAX_ROWS]]
        if keys:
            at = keys.index(self.selected) if self.selected in keys else 0
            self._select(keys[max(0, min(len(keys) - 1, at + rows))])

    def _key(self, event: KeyEventArguments) -> None:
        if not event.action.keydown or event.modifiers.ctrl or event.modifiers.meta or event.modifiers.alt:
            return
        labels: dict[str, str | None] = {"r": "real", "f": "fake", "u": None}
        if event.key.name.lower() in labels:
            self._set_label(labels[event.key.name.lower()])
        elif event.key.arrow_down or event.key.arrow_up:
            self._move(1 if event.key.arrow_down else -1)

    async def _export(self) -> None:
        exported = await run.io_bound(self.queue.export, self.exports)
        if exported is None:  # the page is being closed
            return
        table, count = exported
        message = f"{table}: {count} labelled images. Import them into data/ with: fakefaces data {table}"
        ui.notify(message, type="positive", position="bottom", multi_line=True, close_button="Close", timeout=0)


async def _score_uploads(queue: Queue, waiting: "asyncio.Queue[Upload]") -> None:
    while True:
        batch = [_taken(await waiting.get())]
        while len(batch) < _BATCH_SIZE and sum(len(data) for _, data in batch) < _BATCH_BYTES and not waiting.empty():
            batch.append(_taken(waiting.get_nowait()))
        try:
            await run.io_bound(queue.add, batch)
        except Exception as error:  # one batch must not end the page
            for name, _ in batch:
                queue.refuse(name, f"it could not be scored ({' '.join(str(error).split())[:200]})")


def _taken(upload: Upload) -> tuple[str, bytes]:
    """The name and the bytes of an upload, whose file is removed."""
    name, path = upload
    data = path.read_bytes()
    path.unlink()
    return name, data


def _champion_summary(metadata: DetectorMetadata) -> str:
    point = metadata.operating
    if point is None:
        return f"champion {metadata.model}: threshold {metadata.decision_threshold:.3f}"
    low = "0" if point.low is None else f"{point.low:.3f}"
    high = "1" if point.high is None else f"{point.high:.3f}"
    return f"champion {metadata.model}: threshold {point.threshold:.3f}, unsure from {low} to {high}"


def _prediction(item: Item) -> str:
    return f"predicted {item.predicted}" + (", unsure" if item.unsure else "")


def _draw_score_meter(p_fake: float, metadata: DetectorMetadata) -> None:
    """The score on a line from 0 to 1, with the abstention band and the threshold."""
    point = metadata.operating
    with ui.element("div").classes("meter").props('aria-hidden="true"'):
        if point is not None:
            low, high = 0.0 if point.low is None else point.low, 1.0 if point.high is None else point.high
            ui.element("i").classes("band").style(f"left: {100 * low:.2f}%; width: {100 * max(0.0, high - low):.2f}%")
        ui.element("i").classes("limit").style(f"left: {100 * (metadata.decision_threshold):.2f}%")
        ui.element("i").classes("at").style(f"left: {100 * p_fake:.2f}%")
