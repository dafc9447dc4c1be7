"""Draws the graph of stages as a Mermaid flow chart, for the README."""

from training.pipeline.graph import PipelineGraph

BEGIN, END = "<!-- stages: python -m training graph -->", "<!-- end of stages -->"
# Sources beneath this folder are settings, which would clutter the drawing.
SETTINGS = "training/conf/"


def mermaid(graph: PipelineGraph) -> str:
    """Returns the chart: a node for each stage, and for each source that is not a setting."""
    lines = ["```mermaid", "flowchart LR"]
    brought = [path for path in graph.sources if not path.startswith(SETTINGS)]
    lines += [f'    s{number}(["{path}"])' for number, path in enumerate(brought)]
    for stage in graph.stages.values():
        shape = "{0}[{0}]" if stage.environment == "product" else "{0}[[{0}]]"
        lines.append("    " + shape.format(stage.name))
    for name, stage in graph.stages.items():
        read = [f"s{brought.index(path)}" for path in stage.inputs.values() if path in brought]
        lines += [f"    {before} --> {name}" for before in [*read, *graph.needs(name)]]
    return "\n".join([*lines, "```", ""])


def embedded(text: str, chart: str) -> str:
    """Returns a document with the chart between its marks.

    Raises:
        ValueError: it has no marks.
    """
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError("the document has no marks for the chart")
    return f"{before}{BEGIN}\n\n{chart}\n{END}{after}"
