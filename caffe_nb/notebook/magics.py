"""The magics. Each parses its line and calls the plain Python function behind it."""

from __future__ import annotations

import argparse
import keyword
from pathlib import Path
from types import CodeType
from typing import TYPE_CHECKING, Any

import numpy as np
from IPython.core.error import UsageError
from IPython.core.magic import Magics, line_cell_magic, line_magic, magics_class
from IPython.display import display

from caffe_nb import check, live
from caffe_nb.core.layer import Layer, Phase
from caffe_nb.errors import did_you_mean, listing
from caffe_nb.inspector import session
from caffe_nb.layers.utility import python
from caffe_nb.net import Net
from caffe_nb.notebook import parsers, targets
from caffe_nb.notebook.arguments import plainly, shape
from caffe_nb.notebook.complete import matcher
from caffe_nb.notebook.display import ticking
from caffe_nb.notebook.inspect import inspect
from caffe_nb.notebook.on_save import CheckOnSave
from caffe_nb.notebook.run import run, run_on_cluster, told
from caffe_nb.notebook.targets import kind
from caffe_nb.notebook.versions import VersionDiff, VersionList
from caffe_nb.solvers import Solver

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell


@magics_class
class CaffeMagics(Magics):
    """The magics of caffe_nb; each takes --help."""

    shell: InteractiveShell

    def __init__(self, shell: InteractiveShell) -> None:
        super().__init__(shell)
        self._heard = len(live.swaps())
        self.on_save = CheckOnSave()
        self.matcher = matcher(parsers.PARSERS, shell.user_ns)

    @line_cell_magic
    def caffe_net(self, line: str, cell: str | None = None) -> None:
        """Build a net from the cell's prototxt."""

        def body() -> None:
            args = parsers.net_parser().parse_line(line)
            if cell is None:
                raise UsageError("write %%caffe_net with two %, and the net's prototxt on the lines below it")
            if not args.name.isidentifier() or keyword.iskeyword(args.name):
                raise UsageError(f"'{args.name}' cannot be a variable's name; use letters, digits and _")
            net = Net.from_text(
                cell,
                Phase[args.phase],
                name=f"%%caffe_net {args.name}",
                level=args.level,
                stages=args.stage,
                weights=args.weights,
                dtype="float64" if args.float64 else "float32",
                folder=Path.cwd(),
            )
            if not net.param.name:
                net.name = args.name
            session.follow(self.shell.user_ns.get(args.name), net)
            self.shell.user_ns[args.name] = net
            display(net)

        __tracebackhide__ = True
        plainly(body)

    @line_cell_magic
    def caffe_layer(self, line: str, cell: str | None = None) -> None:
        """Define layer classes and give them to the live nets."""

        def body() -> None:
            args = parsers.layer_parser().parse_line(line)
            if cell is None:
                raise UsageError("write %%caffe_layer with two %, and the layer's class on the lines below it")
            space = self.shell.user_ns
            before = {name: value for name, value in space.items() if isinstance(value, type)}
            exec(self._compiled(cell), space)  # noqa: S102  (the user's own cell)
            made = [
                value
                for key, value in space.items()
                if isinstance(value, type) and issubclass(value, Layer) and before.get(key) is not value
            ]
            if args.name and args.name not in [cls.__name__ for cls in made]:
                raise UsageError(
                    f"the cell defines no layer class '{args.name}'; it defines {listing(c.__name__ for c in made)}"
                )
            if not made:
                raise UsageError("the cell defines no layer: write `class MyLayer(caffe.Layer): ...`")
            taken = self._adopt()
            for name in [cls.__name__ for cls in made if cls.__name__ not in taken]:
                version = python.code_version(space[name])
                use = f'python_param {{ module: "__main__" layer: "{name}" }}'
                print(f"{name} v{version}: nothing changed" if version else f"{name} is ready: {use}")  # noqa: T201

        __tracebackhide__ = True
        plainly(body)

    def _compiled(self, cell: str) -> CodeType:
        """Compile a magic's cell so that its lines and its number in tracebacks are those of the notebook's cell."""
        running = getattr(self.shell.displayhook, "exec_result", None)
        number = getattr(running, "execution_count", None) or self.shell.execution_count
        text = "\n" + self.shell.transform_cell(cell)  # the magic's own line counts
        code: CodeType = self.shell.compile(text, self.shell.compile.cache(text, number), "exec")
        return code

    @line_magic
    def caffe_run(self, line: str) -> None:
        """Run a solver or a net."""
        __tracebackhide__ = True

        def body() -> None:
            __tracebackhide__ = True
            args = parsers.run_parser().parse_line(line)
            target = targets.target(self.shell.user_ns, args.target)
            if not isinstance(target, Net | Solver):
                raise UsageError(f"%caffe_run takes a net or a solver; '{args.target}' is {kind(target)}")
            if args.target.endswith(".prototxt"):
                self.shell.user_ns["solver"] = target
            if args.cluster:
                if args.gpu is not None:
                    raise UsageError("--gpu and --cluster do not go together: the ranks compute on their CPUs")
                run_on_cluster(target, args.iterations, quiet=args.quiet)
                return
            with targets.where(args.gpu):
                if args.refresh:
                    done = (target.net if isinstance(target, Solver) else target).refresh()
                    if not args.quiet:
                        print(done)  # noqa: T201
                    return
                run(target, args.iterations, backward=not args.forward, quiet=args.quiet, wait=args.wait)

        plainly(body)

    @line_magic
    def caffe_cluster(self, line: str) -> Any:
        """Start, show or stop a cluster."""

        def body() -> Any:
            from caffe_nb.notebook import cluster

            args = parsers.cluster_parser().parse_line(line)
            if args.action == "start":
                return cluster.start(args.ranks, args.hostfile).status()
            if args.action == "status":
                return cluster.current().status()
            print("cluster stopped" if cluster.stop() else "no cluster runs here")  # noqa: T201
            return None

        __tracebackhide__ = True
        return plainly(body)

    @line_magic
    def caffe_check(self, line: str) -> Any:
        """Check gradients."""

        def body() -> Any:
            args = parsers.check_parser().parse_line(line)
            if args.on_save:
                self.on_save.on = args.on_save == "on"
                print(f"edits {'check' if self.on_save.on else 'do not check'} their layers' gradients")  # noqa: T201
                return None
            if not args.target:
                raise UsageError("say what to check: a layer class, a net or a solver; %caffe_check --help says more")
            target = args.target if ":" in args.target else targets.target(self.shell.user_ns, args.target)
            if isinstance(target, Net | Solver):
                return self._check_net(target.net if isinstance(target, Solver) else target, args)
            if not isinstance(target, str) and not (isinstance(target, type) and issubclass(target, Layer)):
                raise UsageError(f"'{args.target}' is neither a layer class nor a net")
            if not args.bottom:
                raise UsageError("say what the bottoms are: %caffe_check MyLayer --bottom 4,3 --bottom labels")
            bottoms = [self._bottom(word) for word in args.bottom]
            with ticking("checking") as tick:
                report = check.check_layer(
                    target,
                    bottoms,
                    tops=args.tops,
                    param_str=args.param_str,
                    seed=args.seed,
                    full=args.full,
                    devices=args.devices,
                    progress=tick,
                )
            return _exported(report, args.export)

        __tracebackhide__ = True
        try:
            return plainly(body)
        except KeyboardInterrupt:
            print("the check was stopped by interrupt; the net is as it was")  # noqa: T201
            return None

    @line_magic
    def caffe_reload(self, line: str) -> Any:
        """Take up edits, list versions, go back to one."""

        def body() -> Any:
            args = parsers.reload_parser().parse_line(line)
            if args.to is not None and not args.rollback:
                raise UsageError("--to goes with --rollback")
            if args.autorun:
                live.autorun(args.autorun == "on")
                print(  # noqa: T201
                    "edits refresh the nets that ran at once" if live.autorun() else "edits mark what is stale"
                )
                return None
            live.reload()
            self._tell()
            if args.rollback:
                live.roll_back(args.layer, args.to)
                self._tell()
                return None
            if args.diff is not None:
                return VersionDiff.between(args.layer, args.diff)
            return VersionList.of(args.layer)

        __tracebackhide__ = True
        return plainly(body)

    @line_magic
    def caffe_inspect(self, line: str) -> None:
        """Open the inspector panel."""

        def body() -> None:
            args = parsers.inspect_parser().parse_line(line)
            target = targets.target(self.shell.user_ns, args.target) if args.target else None
            if target is not None and not isinstance(target, Net | Solver):
                raise UsageError(f"%caffe_inspect takes a net or a solver; '{args.target}' is {kind(target)}")
            inspect(target)

        __tracebackhide__ = True
        plainly(body)

    @line_magic
    def caffe_time(self, line: str) -> Any:
        """Time the layers of a net."""

        def body() -> Any:
            args = parsers.time_parser().parse_line(line)
            net = targets.net(self.shell.user_ns, args.target, "%caffe_time", args.phase)
            with ticking("timing") as tick:
                return net.time(
                    args.iterations,
                    backward=False if args.forward else None,
                    after_iteration=lambda number, _seconds: tick(number, args.iterations),
                )

        __tracebackhide__ = True
        return plainly(body)

    @line_magic
    def caffe_graph(self, line: str) -> Any:
        """Draw a net."""

        def body() -> Any:
            args = parsers.graph_parser().parse_line(line)
            drawing = targets.net(self.shell.user_ns, args.target, "%caffe_graph", args.phase).draw(args.scale)
            if args.save:
                print(f"written: {drawing.save(args.save)}")  # noqa: T201
            return drawing

        __tracebackhide__ = True
        return plainly(body)

    def _check_net(self, net: Net, args: argparse.Namespace) -> Any:
        if args.bottom:
            raise UsageError("--bottom is for a class; the layers of a net are checked on the net's own values")
        names = [node.name for node in net.nodes]
        for name in args.layer:
            if name not in names:
                raise UsageError(
                    f"net '{net.name}' has no layer '{name}'.{did_you_mean(name, names)} Its layers: {listing(names)}"
                )
        with ticking("checking") as tick:
            options = {"seed": args.seed, "full": args.full, "devices": args.devices}
            reports = check.check_net(net, args.layer or None, progress=tick, **options)
        if len(reports) == 1:
            return _exported(next(iter(reports.values())), args.export)
        if not reports:
            print(f"net '{net.name}' has no layer with a gradient to check")  # noqa: T201
        if args.export:
            raise UsageError("--export takes one layer: name it after the net")
        for report in reports.values():
            display(report)
        return None

    def _bottom(self, word: str) -> Any:
        if word in self.shell.user_ns:
            return np.asarray(self.shell.user_ns[word])
        try:
            return shape(word)
        except ValueError as error:
            raise UsageError(f"--bottom {word}: {error}, and there is no variable of that name") from None

    def before_cell(self, _info: Any = None) -> None:
        """Before every cell: take up what was saved a moment ago, and say which edits were taken up or refused."""
        live.look()
        self._tell()

    def after_cell(self, _result: Any = None) -> None:
        """After every cell: classes that it defined anew go to the live nets, and edits that waited are taken up."""
        self._adopt()

    def _adopt(self) -> set[str]:
        swaps = live.adopt_cell_classes(self.shell.user_ns)
        self._tell()
        return {name for swap in swaps for name in swap.layer.split(", ")}

    def _tell(self) -> None:
        """Print the swaps that no output has shown yet."""
        swaps = live.swaps()
        fresh = [swap for swap in swaps[self._heard :] if not any(swap is other for other in told)]
        self._heard = len(swaps)
        told.clear()
        lines, self.on_save.lines = self.on_save.lines, []
        for line in [*(swap.message for swap in fresh), *lines]:
            print(line)  # noqa: T201


def _exported(report: check.GradientReport, path: str | None) -> check.GradientReport:
    if path:
        print(f"written: {report.export(path)}, and its values beside it")  # noqa: T201
    return report


for _name, _parser in parsers.PARSERS.items():
    getattr(CaffeMagics, _name).__doc__ = _parser().format_help()  # what `%caffe_run?` shows
