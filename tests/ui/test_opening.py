"""Ways to the panel and from it: the toolbar's button, the layer's file, and nets with rude names."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.ui import material
from tests.ui.lab import Lab

RUDE = '<img src=x onerror="window.rude=1">'
RUDE_NET = f"""%%caffe_net net
name: '<script>window.rude=2</script>'
layer {{ name: '{RUDE}' type: "DummyData" top: '<b>top</b>' dummy_data_param {{ shape {{ dim: 2 dim: 3 }} }} }}
layer {{ name: "quiet" type: "Silence" bottom: '<b>top</b>' }}
"""


def test_the_toolbar_button_opens_the_panel_and_the_source_opens_in_the_editor(lab: Lab) -> None:
    lab.write(material.FILES)
    lab.open(lab.notebook(["%load_ext caffe_nb", 'import caffe\nnet = caffe.Net("net.prototxt", caffe.TRAIN)']))
    lab.run_all()
    lab.finish_all(seconds=60)
    assert lab.panel.root.count() == 0
    lab.page.locator(".jp-NotebookPanel-toolbar").get_by_title(re.compile("Caffe nets")).click()
    lab.panel.wait_for_graph()
    expect(lab.page.get_by_role("tab", name="notebook nets")).to_be_visible()

    lab.panel.select("loss")
    lab.panel.tab("source")
    lab.panel.find("caffe-open-file").click()
    editor = lab.page.locator(".jp-FileEditor")
    expect(editor).to_contain_text("class Distance(caffe.Layer):")
    line = material.LAYER.splitlines().index("class Distance(caffe.Layer):") + 1
    expect(lab.page.get_by_role("button", name=f"Ln {line}, Col 1")).to_be_visible()
    assert lab.faults == []


def test_names_from_a_prototxt_are_text_and_never_html(lab: Lab) -> None:
    lab.open(lab.notebook(["%load_ext caffe_nb", RUDE_NET, "%caffe_inspect net"]))
    lab.run_all()
    lab.finish_all(seconds=60)
    assert lab.errors() == []
    lab.panel.wait_for_graph()
    assert lab.panel.layers() == [RUDE, "quiet"]
    lab.panel.find("caffe-graph-node").first.click()
    expect(lab.panel.find("caffe-details")).to_contain_text(RUDE)
    expect(lab.panel.find("caffe-details")).to_contain_text("<b>top</b>")
    for place in (lab.panel.root, lab.cell(1)):
        assert place.locator("img[src=x], b:text('top'), script").count() == 0
    assert lab.page.evaluate("window.rude") is None
    assert lab.faults == []
