"""炎の図: sampled stacks as one small SVG, without scripts; a frame's colour is its part of the work."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from html import escape

from benchmarks.stages import OTHER, STEPS, Stack, Step, step_of

WIDTH, ROW, HEAD = 1200, 16, 56
_LETTER = 6.2
# Narrower than this nobody can see or read it.
_LEAST_SHARE = 0.004
# What every stack begins with: the program's start and the loop.
_OUTER = ("<module>", "_run", "main (cli", "run (uvloop", "Runner.run", "wrapper (uvloop")


@dataclass(slots=True)
class _Frame:
    """A frame, how often it was seen, in which parts of the work, and what it called."""

    count: int = 0
    inner: dict[str, "_Frame"] = field(default_factory=dict)
    steps: dict[str, int] = field(default_factory=dict)

    @property
    def step(self) -> Step:
        """The part of the work it spent most in."""
        most = max(self.steps, key=lambda name: self.steps[name])
        return next(step for step in (*STEPS, OTHER) if step.name == most)


def flame(stacks: Iterable[tuple[Stack, int]], title: str) -> str:
    """The SVG of some stacks; the outermost frames stand at the top."""
    root = _Frame()
    for stack, count in stacks:
        _add(root, _without_start(stack), step_of(stack), count)
    boxes = list(_boxes(root, root.count, 0, 0.0))
    height = HEAD + ROW * (max((depth for depth, *_ in boxes), default=0) + 2)
    return "\n".join((*_frame_of(title, height), *(_box(*box) for box in boxes), "</svg>", ""))


def _without_start(stack: Stack) -> Stack:
    place = 0
    while place < len(stack) and stack[place].startswith(_OUTER):
        place += 1
    return stack[place:]


def _add(root: _Frame, stack: Stack, step: Step, count: int) -> None:
    frame = root
    root.count += count
    for name in stack:
        frame = frame.inner.setdefault(name, _Frame())
        frame.count += count
        frame.steps[step.name] = frame.steps.get(step.name, 0) + count


def _boxes(
    frame: _Frame, total: int, depth: int, left: float
) -> Iterator[tuple[int, float, float, str, Step]]:
    """Each frame wide enough to see: depth, left edge, share of all, name, part of the work."""
    for name, inner in sorted(frame.inner.items(), key=lambda item: -item[1].count):
        share = inner.count / total
        if share < _LEAST_SHARE:
            continue
        yield depth, left, share, name, inner.step
        yield from _boxes(inner, total, depth + 1, left)
        left += share


def _box(depth: int, left: float, share: float, name: str, step: Step) -> str:
    x, y, width = left * WIDTH, HEAD + ROW * depth, share * WIDTH
    letters = int((width - 4) / _LETTER)
    label = name if len(name) <= letters else f"{name[: letters - 1]}…" if letters > 4 else ""
    text = f'<text x="{x + 2:.1f}" y="{y + 12}">{escape(label)}</text>' if label else ""
    return (
        f'<g><title>{escape(name)} {share:.1%} {step.name}</title><rect x="{x:.1f}" y="{y}" '
        f'width="{max(width - 0.5, 0.5):.1f}" height="{ROW - 1}" fill="{step.colour}"/>{text}</g>'
    )


def _frame_of(title: str, height: int) -> Iterator[str]:
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" '
        f'height="{height}" font-family="monospace" font-size="10">'
    )
    yield f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>'
    yield f'<text x="4" y="16" font-size="13">{escape(title)}</text>'
    wide = WIDTH / (len(STEPS) + 1)
    for place, step in enumerate((*STEPS, OTHER)):
        x = place * wide + 4
        yield f'<rect x="{x:.0f}" y="26" width="12" height="12" fill="{step.colour}"/>'
        yield f'<text x="{x + 16:.0f}" y="36">{escape(step.name)}</text>'
