# SPDX-License-Identifier: BSD-3-Clause
"""The book of a run: every raw figure of every round, and what follows from them."""
import os
import platform
import statistics
import subprocess
import time

SWITCH_CPU, APP_CPU = 0, 1


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
        self.line = {}

    def say(self, text):
        print(text, flush=True)

    def metric(self, part, name, unit, better, reference=None):
        """Declare a figure: `better` is "higher" or "lower"."""
        self.metrics[part, name] = {"unit": unit, "better": better, "reference": reference}

    def look(self):
        """The state of the machine just before a round: both cores' cache line, and its load."""
        done = subprocess.run([self.pingpong, str(SWITCH_CPU), str(APP_CPU)], text=True,
                              stdout=subprocess.PIPE, check=True, timeout=20)
        self.line = {"cache_line_ns": int(done.stdout), "load1": os.getloadavg()[0],
                     "at": time.strftime("%Y-%m-%dT%H:%M:%S")}

    def add(self, part, contender, number, values):
        """The figures of one round of one contender."""
        for name, value in values.items():
            self.rows.append({"part": part, "metric": name, "contender": contender,
                              "round": number, "value": value, **self.line})
        shown = "  ".join(f"{name} {text(value)} {self.metrics[part, name]['unit']}"
                          for name, value in values.items() if (part, name) in self.metrics)
        self.say(f"   {number:3d}  {contender:24s} {shown}   "
                 f"[line {self.line['cache_line_ns']} ns, load {self.line['load1']:.1f}]")

    def values(self, part, metric, contender):
        return [row["value"] for row in self.rows if (row["part"], row["metric"],
                row["contender"]) == (part, metric, contender)]

    def contenders(self, part, metric):
        return list(dict.fromkeys(row["contender"] for row in self.rows
                                  if (row["part"], row["metric"]) == (part, metric)))

    def best(self, part, metric, contender):
        pick = max if self.metrics[part, metric]["better"] == "higher" else min
        return pick(self.values(part, metric, contender))

    def ratio(self, part, metric, contender):
        """Best to the reference's best, and the median of the ratios round by round."""
        reference = self.metrics[part, metric]["reference"]
        if reference is None or reference == contender:
            return None
        pairs = zip(self.values(part, metric, contender), self.values(part, metric, reference))
        return (self.best(part, metric, contender) / self.best(part, metric, reference),
                statistics.median(mine / theirs for mine, theirs in pairs))

    def summary(self):
        """One row a metric and contender, as dicts."""
        out = []
        for (part, metric), about in self.metrics.items():
            for contender in self.contenders(part, metric):
                values = self.values(part, metric, contender)
                ratio = self.ratio(part, metric, contender)
                out.append({"part": part, "metric": metric, "contender": contender, **about,
                            "best": self.best(part, metric, contender),
                            "median": statistics.median(values), "low": min(values),
                            "high": max(values), "rounds": len(values),
                            "ratio_best": ratio[0] if ratio else None,
                            "ratio_median": ratio[1] if ratio else None})
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
    """Rounds of all contenders in turn. `contenders`: {name: function giving {metric: value}}."""
    for number in range(1, rounds + 1):
        for name, measure in contenders.items():
            book.look()
            book.add(part, name, number, measure())


def percentile(values, share):
    """The smallest value that at least `share` of all do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, -(-int(share * 1000) * len(ordered) // 1000) - 1)]
