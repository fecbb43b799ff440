"""Prints the story of one Service: as lines of text, or as one document."""

from barrelman_sync.model.settings import Output
from barrelman_sync.planning.story import Story
from barrelman_sync.report.document import as_json, as_yaml
from barrelman_sync.report.printer import show_document, show_line
from barrelman_sync.report.story_document import story_document
from barrelman_sync.report.story_text import story_lines


def print_story(story: Story, output: Output, *, color: bool) -> None:
    """Prints the story in the format that `--output` names."""
    if output is Output.TEXT:
        *lines, last = story_lines(story)
        for line in lines:
            show_line(line, color=color)
        show_line(last, color=color, bold=True)
    else:
        render = as_json if output is Output.JSON else as_yaml
        show_document(render(story_document(story)))
