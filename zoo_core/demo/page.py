"""The page itself: the only file that imports Gradio.

A page for each model, made from its card when the server starts; what somebody chooses is with their browser alone.
"""

from __future__ import annotations

import logging
import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

import gradio as gr
from fastapi import FastAPI
from gradio import processing_utils

from ..api.calls import blaming
from ..cards.groups import OfPlane
from ..errors import UsageError, ZooError
from . import views
from .controls import COUNT, Control, controls, relevant, said, with_choices
from .drawing import Studio
from .offers import Offer, Weights

HERE = Path(__file__).parent
LARGEST = 32 << 20  # bytes of a file that is sent
WAITING = 32  # drawings that may wait for their turn
NOTHING = "nothing"
EMPTY = '<p class="zoo-empty">Draw shows the result here.</p>'
FEW = 6  # choices that are buttons; more are a list
MANY = 40  # classes that are buttons
DICE = "() => Math.floor(Math.random() * 2 ** 32)"
SANS = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "Noto Sans", "Liberation Sans", "sans-serif")
MONO = ("ui-monospace", "SF Mono", "Menlo", "Consolas", "DejaVu Sans Mono", "monospace")
log = logging.getLogger("zoo_core")


def application(offers: Mapping[str, Offer | ZooError], studio: Studio) -> FastAPI:
    """The web application: a page of each model, and one that lists them, unless there is one model only."""
    with gr.Blocks(analytics_enabled=False, title="zoo", delete_cache=(600, 3600)) as blocks:
        usable = {name: one for name, one in offers.items() if isinstance(one, Offer)}
        if len(offers) == 1 and usable:
            _Page(next(iter(usable.values())), studio, blocks, True).build()
        else:
            gr.HTML(views.front({name: _entry(name, one) for name, one in offers.items()}))
    if len(offers) > 1:
        for name, offer in usable.items():
            with blocks.route(name, f"/{address(name)}", show_in_navbar=False):
                _Page(offer, studio, blocks, False).build()
    blocks.queue(max_size=WAITING, api_open=False)
    with warnings.catch_warnings(action="ignore"):  # of a mode that nobody asked for
        app: FastAPI = gr.mount_gradio_app(
            FastAPI(openapi_url=None), blocks, path="/", theme=_theme(), css_paths=HERE / "page.css", ssr_mode=False,
            footer_links=[], max_file_size=LARGEST, enable_monitoring=False,
        )  # fmt: skip
    _close(blocks)
    return app


def _close(blocks: gr.Blocks) -> None:
    """Without these Gradio takes any path of this machine for a file that was sent, and fetches any address for one.

    Raises:
        ImportError: this Gradio has other names for them.
    """
    if not (hasattr(blocks, "has_launched") and hasattr(processing_utils, "async_ssrf_protected_get")):
        raise ImportError(f"the page cannot be closed to paths and addresses in Gradio {gr.__version__}")
    blocks.has_launched = True
    processing_utils.async_ssrf_protected_get = _refused


def _theme() -> gr.themes.Base:
    """Gradio's own, with fonts of the system instead of some of another host, and with what is easier to read."""
    return gr.themes.Default(font=SANS, font_mono=MONO).set(
        button_primary_background_fill="*primary_700", button_primary_background_fill_hover="*primary_800",
        **{f"{name}{dark}": f"*neutral_{shade}" for name in ("block_info_text_color", "body_text_color_subdued")
           for dark, shade in (("", 600), ("_dark", 400))},
    )  # fmt: skip


async def _refused(url: str) -> NoReturn:
    raise gr.Error("a page takes files that were sent to it, no addresses")


def address(name: str) -> str:
    """The last part of the address of a model's page."""
    return re.sub(r"[^A-Za-z0-9-]+", "-", name)


def _entry(name: str, offer: Offer | ZooError) -> tuple[str, str, str] | ZooError:
    """What the list of models says of one."""
    if isinstance(offer, ZooError):
        return offer
    try:
        labels = [one.label for one in offer.weights()]
    except ZooError as error:
        return error
    return f"./{address(name)}", offer.model.card.summary, ", ".join(labels)


class _Page:
    """The page of one model.

    Args:
        blocks: what it becomes a part of.
        is_alone: there is no page of other models.
    """

    def __init__(self, offer: Offer, studio: Studio, blocks: gr.Blocks, is_alone: bool) -> None:
        self._offer, self._studio, self._blocks, self._is_alone = offer, studio, blocks, is_alone
        with blaming(offer.model, "card"):
            self._controls = controls(offer.model.card.sample_options, studio.most)

    def build(self) -> None:
        """Put everything in its place, and say what happens."""
        weights = self._offer.weights()
        labels = [one.label for one in weights]
        gr.HTML(views.heading(self._offer.model.card, self._is_alone))
        with gr.Row():
            with gr.Column(scale=2, min_width=300):
                which = gr.Dropdown(labels, value=labels[0], label="weights", elem_id="weights")
                other = gr.Dropdown(**_others(labels), value=NOTHING, label="compare with", elem_id="compare")
                parts = self._parts(weights[0])
                with gr.Row():
                    seed = gr.Number(0, precision=0, label="seed", elem_id="seed", min_width=120, scale=2)
                    dice = gr.Button("Roll dice", elem_id="dice", min_width=100, scale=1)
                button = gr.Button("Draw", variant="primary", elem_id="draw")
            with gr.Column(scale=5, min_width=300), gr.Row(elem_classes="zoo-results"):
                result = gr.HTML(EMPTY, js_on_load=_script(), elem_id="result", min_width=280)
                second = gr.HTML(js_on_load=_script(), elem_id="second", min_width=280, visible=False)
                point = gr.HTML(js_on_load=_script(), elem_id="point", min_width=200, visible=False)
        asked = [which, other, seed, *parts]
        draw: dict[str, Any] = {
            "fn": self._draw, "inputs": asked, "outputs": [result, second, point], "concurrency_id": "draw",
            "concurrency_limit": 1, "api_visibility": "private",
        }  # fmt: skip
        button.click(**draw)
        dice.click(None, None, seed, js=DICE).then(**draw)
        if issubclass(self._offer.model.card.sample_options, OfPlane):
            result.click(**{**draw, "fn": self._point, "outputs": point})
        self._follow(which, parts)
        self._blocks.load(self._listed, None, [which, other], queue=False, api_visibility="private")

    def _listed(self) -> Any:
        """The weights that are here now: trainings go on while a page is served."""
        labels = [one.label for one in self._offer.weights()]
        return gr.update(choices=labels), gr.update(**_others(labels))

    def _parts(self, weights: Weights) -> list[Any]:
        """The controls of the options; those that mean nothing beside the others are hidden."""
        there = relevant(self._controls, self._values([one.value for one in self._controls]))
        known = weights.choices()
        return [_component(with_choices(one, known), one.field in there) for one in self._controls]

    def _follow(self, which: gr.Dropdown, parts: Sequence[Any]) -> None:
        """What a choice changes in the other controls."""
        ruled = [i for i, one in enumerate(self._controls) if one.flag.only]
        rulers = {other for one in self._controls for other in one.flag.only}
        ruling = [part for part, one in zip(parts, self._controls, strict=True) if one.field in rulers]

        def visible(*values: Any) -> Any:
            there = relevant(self._controls, self._values(values))
            return _several([gr.update(visible=self._controls[i].field in there) for i in ruled])

        if ruled:
            gr.on(
                [part.change for part in ruling], visible, list(parts), [parts[i] for i in ruled], queue=False,
                show_progress="hidden", api_visibility="private",
            )  # fmt: skip
        asking = [i for i, one in enumerate(self._controls) if one.flag.known]

        def renamed(label: str) -> Any:
            known = _found(self._offer, label)
            return _several([_renamed(with_choices(self._controls[i], known)) for i in asking])

        if asking:
            which.change(
                renamed, which, [parts[i] for i in asking], queue=False, show_progress="hidden",
                api_visibility="private",
            )  # fmt: skip

    def _values(self, values: Sequence[Any]) -> dict[str, Any]:
        return {one.field: value for one, value in zip(self._controls, values, strict=True)}

    def _draw(self, label: str, other: str, seed: int | None, *values: Any) -> Any:
        """What the button shows: a result, another beside it where weights are compared, and no point."""
        hidden = gr.update(value="", visible=False)
        first = self._shown(label, seed, lambda: self._chosen(values))
        if other == NOTHING:
            return first, hidden, hidden
        second = self._shown(other, seed, lambda: self._chosen(values))
        return first, gr.update(value=second, visible=True), hidden

    def _chosen(self, values: Sequence[Any]) -> dict[str, Any]:
        return said(self._controls, self._values(values), self._studio.most)

    def _point(self, event: gr.EventData, label: str, other: str, seed: int | None, *values: Any) -> Any:
        """What a click in the plane shows: the point, decoded."""

        def chosen() -> dict[str, Any]:
            try:
                first, second = map(float, event.at)
            except (AttributeError, TypeError, ValueError) as error:
                raise UsageError("this is no point of the plane", "click in the plane") from error
            plain = self._chosen(values)
            plain.pop(COUNT, None)
            return {**plain, "show": "plane", "at": f"{first:.4g},{second:.4g}"}

        return gr.update(value=self._shown(label, seed, chosen), visible=True)

    def _shown(self, label: str, seed: int | None, chosen: Callable[[], dict[str, Any]]) -> str:
        """One drawing, or what is wrong, in two lines."""
        try:
            return views.drawing(self._studio.draw(self._offer.one(label), chosen(), 0 if seed is None else seed))
        except ZooError as error:
            return views.failed(error)
        except Exception as error:
            log.exception("the page of %s", self._offer.model.name)
            what = f"internal error: {type(error).__name__}"  # what it says may name this machine's files
            return views.failed(ZooError(what, "the server's log says where"))


def _script() -> str:
    return (HERE / "page.js").read_text(encoding="utf-8")


def _others(labels: list[str]) -> dict[str, Any]:
    """Weights to compare with, where there are several."""
    return {"choices": [NOTHING, *labels], "visible": len(labels) > 1}


def _several(updates: list[Any]) -> Any:
    """What Gradio takes for one output, or for several."""
    return updates[0] if len(updates) == 1 else updates


def _found(offer: Offer, label: str) -> Mapping[str, Sequence[str]]:
    try:
        return offer.one(label).choices()
    except ZooError:
        return {}


def _renamed(control: Control) -> Any:
    """A control with the names of other weights."""
    return gr.update(choices=_names(control), value=[] if control.flag.many else "")


def _names(control: Control) -> list[str]:
    """The choices of a control; an option that may be left alone has an empty one."""
    names = list(control.flag.choices)
    return names if control.flag.many or control.flag.default is not None else ["", *names]


def _component(control: Control, visible: bool) -> Any:
    """The control as Gradio has it."""
    same: dict[str, Any] = {
        "label": control.label, "info": control.flag.help, "visible": visible, "elem_id": f"option-{control.field}",
    }  # fmt: skip
    match control.kind:
        case "check":
            return gr.Checkbox(control.value, **same)
        case "several" if len(control.flag.choices) <= MANY:
            return gr.CheckboxGroup(_names(control), value=control.value, **same)
        case "several":
            return gr.Dropdown(_names(control), value=control.value, multiselect=True, **same)
        case "one" if len(control.flag.choices) <= FEW and control.flag.default is not None:
            return gr.Radio(_names(control), value=control.value, **same)
        case "one":
            return gr.Dropdown(_names(control), value=control.value or "", **same)
        case "slider":
            return gr.Slider(control.low or 0, control.high or 0, control.value, step=control.step, **same)
        case "files":
            same.pop("info")  # which Gradio has for everything but files
            return gr.File(
                file_count="multiple" if control.flag.many else "single", height=160,
                **{**same, "label": f"{control.label}: {control.flag.help}"},
            )  # fmt: skip
    value = "" if control.value is None else str(control.value)
    return gr.Textbox(value, lines=6 if control.flag.piped else 1, **same)
