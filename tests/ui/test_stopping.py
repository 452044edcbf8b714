"""A cell that trains ends: by an interrupt, by the layer's exception; the panel says what there is then."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.ui import material
from tests.ui.lab import Lab, wait_for


@pytest.fixture
def training(lab: Lab) -> Lab:
    """A notebook that trains, and a last cell that says what the kernel holds."""
    material.open_net(lab, cells=[*material.CELLS, "print(f\"{solver.net.params['conv1'][1].data.mean():.3e}\")"])
    lab.start(material.RUN)
    lab.panel.wait_for_progress()
    return lab


def test_an_interrupt_ends_the_cell_cleanly_and_the_panel_shows_the_last_values(training: Lab) -> None:
    panel = training.panel
    panel.select("conv1")
    expect(panel.tensor("param:1:1")).to_be_visible()
    training.interrupt()
    training.finish(material.RUN)
    assert training.errors() == []
    assert "stopped by interrupt" in training.output(material.RUN)
    expect(panel.find("caffe-running")).to_have_text("idle")
    iteration = panel.iteration()
    assert f"iteration {iteration} of" in training.output(material.RUN)

    training.run(3)
    mean = float(training.output(3))
    wait_for(
        lambda: float(_plain(panel.statistic("param:1:1", "mean"))) == pytest.approx(mean, rel=2e-3),
        f"the mean {mean} that the kernel holds",
        page=training.page,
    )

    training.start(material.RUN)  # goes on where it stopped
    wait_for(lambda: panel.iteration() > iteration, "the next iterations", page=training.page)
    training.interrupt()
    training.finish(material.RUN)


def test_an_exception_in_forward_is_the_cells_and_shows_at_the_node(training: Lab) -> None:
    panel = training.panel
    training.write({"distance.py": material.raising()})
    training.finish(material.RUN)
    (error,) = training.errors()
    assert "ValueError" in error
    assert "no more digits" in error
    assert "distance.py" in error
    assert "magics.py" not in error  # the person's own frames, not ours
    expect(panel.layer("loss")).to_have_attribute("data-error", "true")
    expect(panel.find("caffe-error")).to_contain_text("no more digits")
    training.picture("stopping-raised")

    training.write(material.FILES)
    iteration = panel.iteration()
    training.start(material.RUN)  # mended: it trains again
    wait_for(lambda: panel.iteration() > iteration, "the next iterations", page=training.page)
    expect(panel.layer("loss")).to_have_attribute("data-error", "false")
    assert training.busy(material.RUN)
    training.interrupt()
    training.finish(material.RUN)


def _plain(shown: str) -> str:
    return shown.replace("\N{MINUS SIGN}", "-")
