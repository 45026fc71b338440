# SPDX-License-Identifier: BSD-3-Clause
"""The book of a run: every raw figure of every round, and what follows from them."""
import os
import platform
import statistics
import subprocess
import time

SWITCH_CPU, APP_CPU = 0, 1
# Cores between which a cache line takes so many times as long are not the same machine.
DISTURBED = 1.5
PATIENCE = 2  # times the rounds asked for, at most, to have as many that count


def machine():
    """What a reader needs to know about where figures were taken."""
    facts = {"cores": os.cpu_count(), "kernel": platform.release(), "cpu": platform.machine()}
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        info = dict(line.split(":", 1) for line in file if ":" in line)
    info = {key.strip(): value.strip() for key, value in info.items()}
    if "model name" in info:
        facts["cpu"] = (f"{info['model name']}, family {info.get('cpu family')}, "
                        f"model {info.get('model')}")
    facts["virtual"] = "hypervisor" in info.get("flags", "")
    return facts


class Book:
    """Figures as they come. A contender is one of those that take turns; the reference is the one
    that the ratio is to."""

    def __init__(self, pingpong):
        self.pingpong = pingpong
        self.rows = []     # one a figure, as they go into the JSON file
        self.metrics = {}  # (part, metric): {"unit", "better", "reference"}
        self.targets = []  # (text, figure as text, met)
        self.notes = []
        self.turned = set()  # parts whose contenders take turns
        self.line = {}

    def say(self, text):
        print(text, flush=True)

    def metric(self, part, name, unit, better, reference=None):
        """Declare a figure: `better` is "higher" or "lower"."""
        self.metrics[part, name] = {"unit": unit, "better": better, "reference": reference}

    def _cache_line(self):
        done = subprocess.run([self.pingpong, str(SWITCH_CPU), str(APP_CPU)], text=True,
                              stdout=subprocess.PIPE, check=True, timeout=20)
        return int(done.stdout)

    def look(self):
        """The state of the machine just before a round: both cores' cache line, and its load."""
        self.line = {"cache_line_ns": self._cache_line(), "load1": os.getloadavg()[0],
                     "at": time.strftime("%Y-%m-%dT%H:%M:%S")}

    def look_again(self):
        """And just after it: the worse of the two stands."""
        self.line["cache_line_ns"] = max(self.line["cache_line_ns"], self._cache_line())

    def add(self, part, contender, number, values):
        """The figures of one round of one contender."""
        for name, value in values.items():
            self.rows.append({"part": part, "metric": name, "contender": contender,
                              "round": number, "value": value, **self.line})
        shown = "  ".join(f"{name} {text(value)} {self.metrics[part, name]['unit']}"
                          for name, value in values.items() if (part, name) in self.metrics)
        self.say(f"   {number:3d}  {contender:24s} {shown}   "
                 f"[line {self.line['cache_line_ns']} ns, load {self.line['load1']:.1f}]")

    def _turns_of(self, part):
        """{round: (shortest, longest)} of the cache lines of all contenders in that turn."""
        lines = {}
        for row in self.rows:
            if row["part"] == part:
                lines.setdefault(row["round"], []).append(row["cache_line_ns"])
        return {number: (min(ns), max(ns)) for number, ns in lines.items()}

    def good_turns(self, part):
        """The turns that count: those all of whose rounds found the cores alike, and as near to
        each other as in the best of them; all of them in a part without turns."""
        lines = self._turns_of(part)
        if part not in self.turned:
            return set(lines)
        steady = {number: high for number, (low, high) in lines.items() if high <= DISTURBED * low}
        return {number for number, high in steady.items()
                if high <= DISTURBED * min(steady.values())}

    def good(self, part, metric, contender):
        """{round: value} of a contender in the turns that count."""
        turns_ = self.good_turns(part)
        return {row["round"]: row["value"] for row in self._of(part, metric, contender)
                if row["round"] in turns_}

    def discarded(self):
        """The turns that do not count, as (part, round, shortest, longest cache line)."""
        return [(part, number, *lines) for part in dict.fromkeys(part for part, _ in self.metrics)
                for number, lines in self._turns_of(part).items()
                if number not in self.good_turns(part)]

    def _of(self, part, metric, contender):
        return [row for row in self.rows if (row["part"], row["metric"],
                row["contender"]) == (part, metric, contender)]

    def values(self, part, metric, contender):
        """Of the rounds that count; of all where none does."""
        return (list(self.good(part, metric, contender).values()) or
                [row["value"] for row in self._of(part, metric, contender)])

    def contenders(self, part, metric):
        return list(dict.fromkeys(row["contender"] for row in self.rows
                                  if (row["part"], row["metric"]) == (part, metric)))

    def best(self, part, metric, contender):
        pick = max if self.metrics[part, metric]["better"] == "higher" else min
        return pick(self.values(part, metric, contender))

    def ratio(self, part, metric, contender):
        """Best to the reference's best, and the median of the ratios round by round, None if they
        have no good round in common. None where there is no reference."""
        reference = self.metrics[part, metric]["reference"]
        if reference in (None, contender) or not self._of(part, metric, reference):
            return None
        mine, theirs = (self.good(part, metric, who) for who in (contender, reference))
        both = [mine[number] / theirs[number] for number in mine if theirs.get(number)]
        of_best = self.best(part, metric, reference)
        return (self.best(part, metric, contender) / of_best if of_best else None,
                statistics.median(both) if both else None)

    def summary(self):
        """One row a metric and contender, as dicts."""
        out = []
        for (part, metric), about in self.metrics.items():
            for contender in self.contenders(part, metric):
                values = self.values(part, metric, contender)
                ratio = self.ratio(part, metric, contender) or (None, None)
                out.append({"part": part, "metric": metric, "contender": contender, **about,
                            "best": self.best(part, metric, contender),
                            "median": statistics.median(values), "low": min(values),
                            "high": max(values), "rounds": len(values),
                            "disturbed": not self.good(part, metric, contender),
                            "ratio_best": ratio[0], "ratio_median": ratio[1]})
        return out

    def target(self, words, figure, met):
        self.targets.append({"target": words, "figure": figure, "met": bool(met)})


def text(value):
    """Three to four digits that count."""
    if value is None:
        return ""
    if isinstance(value, int) or abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.2f}" if abs(value) >= 1 else f"{value:.3f}"


def turns(book, part, contenders, rounds):
    """Rounds of all contenders in turn, until as many count as are wanted or the patience ends.
    `contenders`: {name: function giving {metric: value}}."""
    book.turned.add(part)
    for number in range(1, rounds * PATIENCE + 1):
        for name, measure in contenders.items():
            book.look()
            values = measure()
            book.look_again()
            book.add(part, name, number, values)
        if len(book.good_turns(part)) >= rounds:
            return


def percentile(values, share):
    """The smallest value that at least `share` of all do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, -(-int(share * 1000) * len(ordered) // 1000) - 1)]
