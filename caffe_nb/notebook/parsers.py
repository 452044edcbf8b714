"""What each magic takes on its line."""

from __future__ import annotations

from caffe_nb.notebook.arguments import MagicParser


def net_parser() -> MagicParser:
    """Return the parser of %%caffe_net."""
    parser = MagicParser(prog="%%caffe_net", description="Build a net from the cell's prototxt and bind it to NAME.")
    parser.add_argument("name", help="variable to bind the net to")
    parser.add_argument("--phase", choices=["TRAIN", "TEST"], default="TRAIN", help="default TRAIN")
    parser.add_argument("--level", type=int, default=0, help="level for include and exclude rules")
    parser.add_argument("--stage", action="append", default=[], help="a stage for these rules; may be repeated")
    parser.add_argument("--weights", help="a .caffemodel to copy from")
    parser.add_argument("--float64", action="store_true", help="compute in float64")
    return parser


def layer_parser() -> MagicParser:
    """Return the parser of %%caffe_layer."""
    parser = MagicParser(
        prog="%%caffe_layer",
        description="Run the cell, which defines layer classes; live nets take up the new code.",
    )
    parser.add_argument("name", nargs="?", help="the class that the cell is meant to define; checked when given")
    return parser


def run_parser() -> MagicParser:
    """Return the parser of %caffe_run."""
    parser = MagicParser(
        prog="%caffe_run",
        description="Run a solver (to its max_iter) or a net (forward, and backward in TRAIN), with progress and loss."
        " Interrupting the kernel stops it after the current iteration; running again goes on.",
    )
    parser.add_argument("target", help="a variable that holds a solver or a net, or a solver's prototxt file")
    parser.add_argument("-n", "--iterations", type=int, help="how many iterations (a net: 1 by default)")
    parser.add_argument("--forward", action="store_true", help="for a net: forward only")
    parser.add_argument(
        "--refresh",
        action="store_true",
        help="run forward only what is stale, on the batch that is there; says how tops of edited layers changed",
    )
    parser.add_argument(
        "--wait",
        action="store_true",
        help="when a layer raises, wait for the next save that mends it, and go on with the same batch",
    )
    parser.add_argument(
        "--gpu",
        metavar="N",
        nargs="?",
        type=int,
        const=-1,
        help="compute this run on GPU N, without N on the one that set_device chose; give it after the target",
    )
    parser.add_argument("--quiet", action="store_true", help="show nothing")
    parser.add_argument(
        "--cluster", action="store_true", help="for a solver of a file: on all ranks of the cluster (%%caffe_cluster)"
    )
    return parser


def cluster_parser() -> MagicParser:
    """Return the parser of %caffe_cluster."""
    parser = MagicParser(
        prog="%caffe_cluster",
        description="Start, show or stop the processes that %caffe_run --cluster trains on (IPyParallel, over MPI).",
    )
    parser.add_argument("action", choices=["start", "status", "stop"], help="what to do")
    parser.add_argument("-n", "--ranks", type=int, default=2, help="for start: how many processes (2)")
    parser.add_argument("--hostfile", help="for start: a file with the machines, one a line; this one by default")
    return parser


def check_parser() -> MagicParser:
    """Return the parser of %caffe_check."""
    parser = MagicParser(
        prog="%caffe_check",
        description="Check the gradients of a layer class, of one layer of a net, or of a whole net.",
    )
    parser.add_argument(
        "target", nargs="?", help="a layer class, 'module:Class', or a variable that holds a net or a solver"
    )
    parser.add_argument("layer", nargs="*", help="for a net: names of the layers to check; all by default")
    parser.add_argument(
        "-b",
        "--bottom",
        action="append",
        default=[],
        help="for a class: a bottom, as a shape like 4,3 or the name of an array; repeat it for each bottom",
    )
    parser.add_argument("-t", "--tops", type=int, default=1, help="for a class: number of tops (1)")
    parser.add_argument("--param-str", default="", help="for a class: its param_str")
    parser.add_argument("--on-save", choices=["on", "off"], help="whether every edit checks its layer at once (off)")
    parser.add_argument("--export", metavar="FILE", help="write the check as a pytest file, test_NAME.py")
    parser.add_argument("--full", action="store_true", help="compare every element by itself, also of large blobs")
    parser.add_argument(
        "--devices",
        choices=["cpu", "gpu", "both"],
        help="where the layer runs: where layers compute now; 'both' compares what the GPU gives with the CPU",
    )
    parser.add_argument("--seed", type=int, default=0, help="seed of the random values (0)")
    return parser


def time_parser() -> MagicParser:
    """Return the parser of %caffe_time."""
    parser = MagicParser(
        prog="%caffe_time",
        description="Run a net and say how long each layer takes, forward and backward. Its parameters stay as they"
        " are; data layers go on to their next batches.",
    )
    parser.add_argument("target", help="a variable that holds a net or a solver, or a net's prototxt file")
    parser.add_argument("-n", "--iterations", type=int, default=10, help="how many iterations (10), after a first one")
    parser.add_argument("--forward", action="store_true", help="forward only")
    parser.add_argument("--phase", choices=["TRAIN", "TEST"], help="for a prototxt: TRAIN (default) or TEST")
    return parser


def graph_parser() -> MagicParser:
    """Return the parser of %caffe_graph."""
    parser = MagicParser(prog="%caffe_graph", description="Draw a net's graph: its layers, and the blobs between them.")
    parser.add_argument("target", help="a variable that holds a net or a solver, or a net's prototxt file")
    parser.add_argument("--save", metavar="FILE.svg", help="write the picture to a file too")
    parser.add_argument("--scale", type=float, help="size of the picture (1; large nets are drawn smaller)")
    parser.add_argument("--phase", choices=["TRAIN", "TEST"], help="for a prototxt: TRAIN (default) or TEST")
    return parser


def inspect_parser() -> MagicParser:
    """Return the parser of %caffe_inspect."""
    parser = MagicParser(prog="%caffe_inspect", description="Open the inspector panel on a net.")
    parser.add_argument("target", nargs="?", help="a variable that holds a net or a solver; the newest net by default")
    return parser


def reload_parser() -> MagicParser:
    """Return the parser of %caffe_reload."""
    parser = MagicParser(
        prog="%caffe_reload",
        description="Take up pending edits now, and list the versions of the live layers' code; or go back to one.",
    )
    parser.add_argument("layer", nargs="?", help="a layer class; all by default, for --rollback the last changed")
    parser.add_argument("--rollback", action="store_true", help="let an older version run again; files stay")
    parser.add_argument("--to", type=int, metavar="N", help="for --rollback: the version; the one before by default")
    parser.add_argument(
        "--diff",
        type=int,
        nargs="*",
        metavar="N",
        help="show what changed between two versions: up to two numbers; by default the last change",
    )
    parser.add_argument("--autorun", choices=["on", "off"], help="whether edits refresh nets at once (off)")
    return parser


PARSERS = {
    "caffe_net": net_parser,
    "caffe_layer": layer_parser,
    "caffe_run": run_parser,
    "caffe_cluster": cluster_parser,
    "caffe_check": check_parser,
    "caffe_time": time_parser,
    "caffe_graph": graph_parser,
    "caffe_inspect": inspect_parser,
    "caffe_reload": reload_parser,
}
