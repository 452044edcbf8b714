"""The graph in rooms of all sizes: nothing lies over a layer, and a part that fails leaves the others standing."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.ui import material
from tests.ui.lab import Lab
from tests.ui.test_graph import CELLS, PYTHON, _net, _settle


def test_neither_map_nor_buttons_cover_a_layer_however_small_the_panel_is(lab: Lab) -> None:
    lab.write({"net.prototxt": _net(), "passing.py": PYTHON})
    lab.open(lab.notebook(CELLS))
    lab.run(0)
    lab.panel.wait_for_graph()
    lab.panel.root.get_by_role("button", name="Open all").click()
    _settle(lab)
    for width in (1600, 900):
        lab.page.set_viewport_size({"width": width, "height": 900})
        _settle(lab)
        expect(lab.panel.find("caffe-graph-map")).to_be_visible()
        assert _covered(lab) == []
        lab.picture(f"graph-map-{width}")


def _covered(lab: Lab) -> list[str]:
    """Return the layers in view that something other than the graph lies over."""
    found: list[str] = lab.panel.root.locator(".caffe-nb-flow").evaluate(_COVERED)
    return found


_COVERED = """flow => {
    const frame = flow.getBoundingClientRect();
    return [...flow.querySelectorAll('[data-testid="caffe-graph-node"]')].filter(node => {
        const box = node.getBoundingClientRect();
        const corners = [[box.left + 2, box.top + 2], [box.right - 2, box.top + 2],
            [box.left + 2, box.bottom - 2], [box.right - 2, box.bottom - 2]];
        return corners.some(([x, y]) =>
            x > frame.left && x < frame.right && y > frame.top && y < frame.bottom
            && !document.elementFromPoint(x, y)?.closest('.react-flow__renderer'));
    }).map(node => node.dataset.layer);
}"""


def test_after_a_click_the_graph_still_fits_itself_into_another_room(lab: Lab) -> None:
    material.open_net(lab, cells=material.CELLS[:2])
    lab.panel.select("ip")
    lab.page.set_viewport_size({"width": 900, "height": 900})
    expect(lab.panel.layer("data")).to_be_in_viewport(ratio=0.95)
    expect(lab.panel.layer("conv1")).to_be_in_viewport(ratio=0.95)
    lab.picture("graph-narrow")
    assert _covered(lab) == []
    lab.theme("JupyterLab Dark")
    lab.page.wait_for_timeout(500)
    lab.picture("graph-narrow-dark")
    lab.theme("JupyterLab Light")


BREAK = """() => {
    const toFixed = Number.prototype.toFixed;
    Number.prototype.toFixed = function (digits) {
        const ours = new Error().stack.includes('/lab/extensions/'); // JupyterLab itself goes on
        if (ours && digits === 1) throw new Error('no figures today'); // as shares are written, elsewhere none
        return toFixed.call(this, digits);
    };
    window.mend = () => { Number.prototype.toFixed = toFixed; };
}"""


def test_a_part_that_cannot_be_drawn_says_so_and_takes_nothing_else_away(lab: Lab) -> None:
    material.open_net(lab, cells=material.CELLS[:2])
    lab.page.evaluate(BREAK)  # what the figures of a tensor are written with
    lab.panel.select("ip")
    broken = lab.panel.find("caffe-broken")
    expect(broken).to_contain_text("The tensors could not be drawn.")
    expect(broken).to_contain_text("no figures today")
    lab.picture("broken-light")
    lab.theme("JupyterLab Dark")
    lab.page.wait_for_timeout(500)
    lab.picture("broken-dark")
    lab.theme("JupyterLab Light")
    lab.panel.tab("source")
    expect(broken).to_have_count(0)
    expect(lab.panel.find("caffe-layer-text")).to_contain_text("InnerProduct")
    lab.panel.tab("tensors")
    expect(broken).to_have_count(1)
    lab.page.evaluate("window.mend()")
    broken.get_by_role("button", name="Try again").click()
    expect(broken).to_have_count(0)
    expect(lab.panel.tensor(":ip").get_by_test_id("caffe-stat-zeros")).to_be_visible()
