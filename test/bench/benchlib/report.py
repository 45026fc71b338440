# SPDX-License-Identifier: BSD-3-Clause
"""The book as a table, as JSON and as a picture."""
import json
import time
from xml.sax.saxutils import escape

from benchlib.book import machine, text

COLUMNS = ["part", "figure", "contender", "best", "median", "lowest", "highest", "spread",
           "rounds", "ratio of best", "median ratio"]
BAR, ROW, LEFT, RIGHT, WIDTH = 18, 24, 280, 300, 1000
COLOURS = {"leat": "#2a6f97", "other": "#a9b4bd"}


def _cells(row):
    return [row["part"], f"{row['metric']} ({row['unit']})", row["contender"], text(row["best"]),
            text(row["median"]), text(row["low"]), text(row["high"]),
            f"{(row['high'] - row['low']) / row['median']:.0%}" if row["median"] else "",
            f"{'none of ' if row['disturbed'] else ''}{row['rounds']}",
            f"{row['ratio_best']:.2f}" if row["ratio_best"] else "",
            f"{row['ratio_median']:.2f}" if row["ratio_median"] else ""]


def discarded_lines(book):
    """The rounds that do not count, by name."""
    return [f"discarded: {part}, round {number}: the machine was disturbed, a cache line took "
            f"{low} to {high} ns" for part, number, low, high in book.discarded()]


def print_table(book):
    rows = [COLUMNS] + [_cells(row) for row in book.summary()]
    widths = [max(len(row[i]) for row in rows) for i in range(len(COLUMNS))]
    facts = machine()
    book.say(f"\n{time.strftime('%Y-%m-%d %H:%M')}, {facts['cpu']}, {facts['cores']} cores"
             f"{', a virtual machine' if facts['virtual'] else ''}, Linux {facts['kernel']}\n")
    for number, row in enumerate(rows):
        book.say("  ".join(cell.ljust(width) if i < 3 else cell.rjust(width)
                           for i, (cell, width) in enumerate(zip(row, widths))).rstrip())
        if number == 0:
            book.say("-" * (sum(widths) + 2 * (len(widths) - 1)))
    for line in discarded_lines(book):
        book.say(line)
    for note in book.notes:
        book.say(note)
    if book.targets:
        book.say("")
    for target in book.targets:
        book.say(f"{'met   ' if target['met'] else 'MISSED'}  {target['target']}: "
                 f"{target['figure']}")


def write_json(book, path, command):
    document = {"taken": time.strftime("%Y-%m-%dT%H:%M:%S%z"), "command": command,
                "machine": machine(), "summary": book.summary(), "targets": book.targets,
                "notes": [*discarded_lines(book), *book.notes], "rounds": book.rows}
    with open(path, "w", encoding="utf-8") as file:
        json.dump(document, file, indent=1)
        file.write("\n")


def _label(x, y, words, style=""):
    return f'<text x="{x}" y="{y}" {style}>{escape(words)}</text>'


def _bar(row, y, longest):
    colour = COLOURS["leat" if row["contender"].startswith("leat") else "other"]
    scale = (WIDTH - LEFT - RIGHT) / longest
    best, median = row["best"] * scale, row["median"] * scale
    words = f"{text(row['best'])} {row['unit']}"
    if row["ratio_best"]:
        words += f" ({row['ratio_best']:.2f} of {row['reference']})"
    return (_label(LEFT - 8, y + 13, row["contender"], 'text-anchor="end"') +
            f'<rect x="{LEFT}" y="{y}" width="{best:.1f}" height="{BAR}" fill="{colour}"/>'
            f'<rect x="{LEFT + median:.1f}" y="{y}" width="2" height="{BAR}" fill="#000"/>' +
            _label(LEFT + 8 + max(best, median), y + 13, words))


def write_svg(book, path):
    """A bar a contender: its length is the best round, the black mark the median."""
    groups = {}
    for row in book.summary():
        groups.setdefault((row["part"], row["metric"]), []).append(row)
    body, y = [_label(16, 24, "leat, measured " + time.strftime("%Y-%m-%d"),
                      'font-size="16" font-weight="bold"'),
               _label(16, 42, "bar: best round; black mark: median of all rounds")], 60
    for (part, metric), rows in groups.items():
        better = rows[0]["better"]
        longest = max(max(row["best"], row["median"]) for row in rows)
        if not longest:
            continue
        y += 20
        body.append(_label(16, y, f"{part}: {metric}, {better} is better", 'font-weight="bold"'))
        y += 8
        for row in rows:
            body.append(_bar(row, y, longest))
            y += ROW
    with open(path, "w", encoding="utf-8") as file:
        file.write(f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{y + 16}" '
                   'font-family="sans-serif" font-size="12">\n'
                   f'<rect width="{WIDTH}" height="{y + 16}" fill="#fff"/>\n' +
                   "\n".join(body) + "\n</svg>\n")
