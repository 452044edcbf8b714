"""The tutorials run from top to bottom, as they are, in a real kernel."""

import re
import shutil
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))


def text_of(cell):
    # A busy kernel sends one print in several pieces.
    return "".join(
        output.get("text") or f"\n{output.get('data', {}).get('text/plain', '')}\n" for output in cell.outputs
    )


@pytest.fixture(scope="module", params=NOTEBOOKS, ids=lambda path: path.stem)
def executed(request, tmp_path_factory):
    """The notebook, run in a folder of its own with the files that it opens."""
    notebook = nbformat.read(request.param, as_version=4)
    folder = tmp_path_factory.mktemp(request.param.stem)
    shutil.copytree(request.param.with_name("old_net"), folder / "old_net")
    where = {"metadata": {"path": str(folder)}}
    NotebookClient(notebook, timeout=240, resources=where, record_timing=False).execute()  # whose clock warns on 3.12
    return notebook


def test_it_is_committed_without_outputs():
    for path in NOTEBOOKS:
        assert not any(cell.get("outputs") for cell in nbformat.read(path, as_version=4).cells), path.name


def test_every_cell_runs_and_none_complains(executed):
    for cell in executed.cells:
        for output in cell.get("outputs", []):
            assert output.output_type != "error"
            assert output.get("name") != "stderr", output.get("text")


def code_cells(notebook):
    return [(cell.source, text_of(cell)) for cell in notebook.cells if cell.cell_type == "code"]


@pytest.mark.parametrize("executed", NOTEBOOKS[:1], indirect=True)
def test_the_first_one_learns_finds_the_mistake_and_mends_it(executed):
    cells = code_cells(executed)
    accuracies = [float(n) for _, text in cells for n in re.findall(r"([\d.]+)% (?:of the held-out|after)", text)]
    assert len(accuracies) == 2
    assert min(accuracies) >= 97
    verdicts = [re.search("PASS|FAIL", text).group() for source, text in cells if "%caffe_check" in source]
    assert verdicts == ["PASS", "FAIL", "PASS"]
    swaps = [text for source, text in cells if "%%caffe_layer" in source]
    assert "v1 → v2" in swaps[1]
    assert "v2 → v3" in swaps[2]


@pytest.mark.parametrize("executed", NOTEBOOKS[1:2], indirect=True)
def test_the_second_one_finds_what_is_missing_mends_it_and_learns_something_new(executed):
    cells = code_cells(executed)
    doctor = next(text for source, text in cells if " doctor " in source)
    assert "Maxout" in doctor
    assert "register_layer" in doctor
    assert "modernize" in doctor
    difference = next(text for source, text in cells if " modernize " in source)
    assert '-            print "calibrate:"' in difference
    shares = [float(n) for _, text in cells for n in re.findall(r"([\d.]+)% of the held-out", text)]
    assert shares[0] >= 94
    assert shares[1] >= 90
    assert "PASS" in next(text for source, text in cells if "%caffe_check" in source)


@pytest.mark.parametrize("executed", NOTEBOOKS[2:3], indirect=True)
def test_the_third_one_edits_a_living_net_and_loses_nothing(executed):
    cells = code_cells(executed)
    outputs = dict(cells)
    stale = [text for source, text in cells if source.startswith('print("stale:"')]
    assert "v1 → v2: SLOPE changed; setup not rerun; 3 blobs stale" in stale[0]
    assert "stale: ['squash', 'scores', 'loss']" in stale[0]
    assert "stale: []" in stale[1]
    assert "ran 3 of 5 layers" in outputs["net.refresh()"]
    assert "refused, running v2: squash.py:21: SyntaxError" in outputs["net.forward()  # runs on as before"]
    paused = next(text for source, text in cells if source.startswith("try:"))
    assert "stopped in iteration 22 before the forward of squash" in paused
    assert "the same weights: True" in next(text for source, text in cells if "pairs = " in source)
    assert "← runs" in outputs["%caffe_reload Squash"]
    assert "-SLOPE = 1.0" in outputs["%caffe_reload Squash --diff 1 2"]
    assert "back to v1" in outputs["%caffe_reload Squash --rollback --to 1"]
    on_both = next(text for source, text in cells if "set_mode_gpu" in source)
    assert "skipped: computing on a GPU needs CuPy" in on_both or "copies to the GPU" in on_both
    assert float(re.search(r"the loss on the CPU: ([\d.]+)", on_both).group(1)) < 1


@pytest.mark.parametrize("executed", NOTEBOOKS[3:4], indirect=True)
def test_the_fourth_one_names_five_mistakes_and_sees_them_mended(executed):
    cells = code_cells(executed)
    checks = [text for source, text in cells if source.startswith("%caffe_check Distance")]
    kinds = [sorted(set(re.findall(r"FAIL: ([a-z-]+)[ :]", text))) for text in checks]
    wanted = ["sign", "scale", "ignores-top-diff", "accumulates-bottom-diff", "stale-state"]
    assert kinds == [[], *([kind] for kind in wanted), []]
    assert "the batch size (8)" in checks[2]
    assert "a dead ReLU" in next(text for source, text in cells if 'net.explain_diff("fc")' in source)
    assert cells[-1][1].count("PASS: ") == 3


@pytest.mark.parametrize("executed", NOTEBOOKS[4:5], indirect=True)
def test_the_fifth_one_stops_where_a_nan_is_born_and_goes_back(executed):
    outputs = [text for _, text in code_cells(executed)]
    stopped = next(i for i, text in enumerate(outputs) if "it was born here" in text)
    assert "layer 'gain'" in outputs[stopped]
    assert "of top 'gained' after the forward of iteration 155" in outputs[stopped]
    assert "back at iteration 152" in outputs[stopped + 1]
    assert "iteration 252 of 252" in outputs[stopped + 2]
    assert "digits.html" in outputs[stopped + 3]
