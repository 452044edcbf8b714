"""A net as one HTML file: graph, layers, chosen tensors, the loss and gradient checks; it asks no network for anything.

The page's policy forbids every request and every script but its own, whatever a name in it may hold. Without that
script it reads as well.
"""

from __future__ import annotations

import os
import re
from base64 import b64encode
from collections.abc import Iterable, Mapping
from datetime import datetime
from hashlib import sha256
from html import escape
from importlib.resources import files as resources
from pathlib import Path

import caffe_nb
from caffe_nb.check import GradientReport
from caffe_nb.check.html import to_html as report_html
from caffe_nb.core.blob import Blob
from caffe_nb.core.figures import label
from caffe_nb.errors import NetError, did_you_mean, listing
from caffe_nb.inspector.describe import solver_of
from caffe_nb.inspector.mailbox import ask
from caffe_nb.inspector.session import last_reports
from caffe_nb.net import Net
from caffe_nb.net.drawing import to_svg
from caffe_nb.net.listing import HEADINGS, rows, summary
from caffe_nb.proto.files import write_chosen
from caffe_nb.sharing import blobs as pictures
from caffe_nb.sharing import curve
from caffe_nb.solvers import Solver

Reports = Mapping[str, GradientReport] | Iterable[GradientReport] | GradientReport | None
TIMEOUT = 10.0
"""Seconds that a running net has to come to a point where it can be looked at."""


def save(
    net: Net,
    path: str | os.PathLike[str],
    blobs: str | Iterable[str] = (),
    solver: Solver | None = None,
    reports: Reports = None,
) -> Path:
    """Write the page; `Net.save_html` says what the parameters are."""
    chosen = _chosen(net, [blobs] if isinstance(blobs, str) else list(blobs))
    trainer = _trainer(net, solver)
    checks = _checks(net, reports)
    text = ask(net, lambda: page(net, chosen, trainer, checks), TIMEOUT)
    return write_chosen(path, text)


def page(net: Net, chosen: dict[str, Blob], solver: Solver | None, reports: list[GradientReport]) -> str:
    """Return the page's text."""
    name = escape(label(net.name, 120))
    sections = {"graph": ("Graph", _graph(net)), "layers": ("Layers", _layers(net))}
    if chosen:
        sections["tensors"] = ("Tensors", "".join(_tensor(name, blob) for name, blob in chosen.items()))
    if solver is not None:
        sections["loss"] = ("Loss", curve.to_html(solver))
    if reports:
        checks = "".join(f"<div class='card'>{report_html(report)}</div>" for report in reports)
        sections["checks"] = ("Gradient checks", checks)
    links = " ".join(f"<a href='#{key}'>{title}</a>" for key, (title, _) in sections.items())
    body = "".join(f"<section id='{key}'><h2>{title}</h2>{html}</section>" for key, (title, html) in sections.items())
    style, script = _asset("page.css"), _asset("page.js")
    digest = b64encode(sha256(script.encode()).digest()).decode()
    policy = f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"
    written = f"{datetime.now():%Y-%m-%d %H:%M}, caffe_nb {caffe_nb.__version__}"
    return (
        "<!DOCTYPE html>\n<html lang='en'><head><meta charset='utf-8'>"
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        "<meta name='viewport' content='width=device-width, initial-scale=1'><meta name='color-scheme'"
        f" content='light dark'><link rel='icon' href='data:,'><title>{name}</title><style>{style}</style></head>"
        f"<body><header><h1>{name}</h1><p>{escape(summary(net))}</p><p class='dim'>{escape(written)}</p>"
        f"<nav>{links}</nav></header><main>{body}</main><script>{script}</script></body></html>\n"
    )


def _asset(name: str) -> str:
    return resources("caffe_nb.sharing").joinpath(name).read_text(encoding="utf-8")


def _graph(net: Net) -> str:
    return (
        f"<div class='scroll' id='picture' tabindex='0' role='region' aria-label='graph'>{to_svg(net, scale=1)}</div>"
    )


def _layers(net: Net) -> str:
    head = "".join(f"<th scope='col'>{text}</th>" for text in HEADINGS)
    body = "".join(
        f"<tr data-layer='{index}'><th scope='row'>{escape(texts[0])}</th>"
        + "".join(f"<td>{escape(text)}</td>" for text in texts[1:])
        + "</tr>"
        for index, texts in rows(net)
    )
    return (
        "<div class='scroll' tabindex='0' role='region' aria-label='layers'>"
        f"<table class='layers'><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _tensor(name: str, blob: Blob) -> str:
    return f"<div class='card'><h3>{escape(label(name, 120))}</h3>{pictures.to_html(blob)}</div>"


def _chosen(net: Net, names: list[str]) -> dict[str, Blob]:
    """Return blobs by name, ``ip[0]`` for a parameter.

    Raises
    ------
    NetError
        For one that there is not; says what was likely meant.
    """
    found: dict[str, Blob] = {}
    for name in names:
        if not isinstance(name, str):
            raise TypeError(f"blobs takes names of blobs, got {name!r}")
        found[name] = find(net, name)
    return found


def find(net: Net, name: str) -> Blob:
    """Return a blob by its name, or a parameter by that of its layer, as in ``ip[0]``."""
    if name in net.blobs:
        return net.blobs[name]
    parameters = {f"{layer}[{i}]": blob for layer, blobs in net.params.items() for i, blob in enumerate(blobs)}
    if name in parameters:
        return parameters[name]
    near = did_you_mean(name, [*net.blobs, *parameters])
    if not near and name in net.params:
        near = f" The parameters of '{name}' are '{name}[0]' to '{name}[{len(net.params[name]) - 1}]'."
    known = listing(blob for blob in net.blobs if not re.search(r"_split_\d+$", blob))
    raise NetError(f"net '{label(net.name)}' has no blob '{label(name)}'.{near} Blobs: {known}")


def _trainer(net: Net, solver: Solver | None) -> Solver | None:
    if solver is None:
        solver = solver_of(net)
        return solver if solver is not None and solver.losses.points else None
    if not isinstance(solver, Solver):
        raise TypeError(f"solver takes a solver, got {type(solver).__name__}")
    if net is not solver.net and not any(net is other for other in solver.test_nets):
        raise NetError(
            f"this solver trains net '{label(solver.net.name)}', another net than '{label(net.name)}' ({net!r});"
            " save the page of solver.net"
        )
    return solver


def _checks(net: Net, reports: Reports) -> list[GradientReport]:
    if reports is None:
        return last_reports(net)
    if isinstance(reports, GradientReport):
        reports = [reports]
    found = list(reports.values() if isinstance(reports, Mapping) else reports)
    for report in found:
        if not isinstance(report, GradientReport):
            raise TypeError(f"reports takes gradient reports, got {type(report).__name__}")
    return found
