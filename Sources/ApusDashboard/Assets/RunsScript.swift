extension Asset {
    static let runsScript = #"""
        // The result of a load run, and two of them beside each other.

        import { make, num, show, table } from "/script/kit.js";
        import { charts, steps } from "/script/loads.js";

        /** Numbers that are worth a glance; one that is bad stands out. */
        export function figures(list) {
          return make("dl", { class: "columns" }, list.map(([name, value, isBad]) =>
            make("div", {}, make("dt", {}, name), make("dd", { class: isBad ? "bad" : null }, value))));
        }

        const whole = (name) => make("a", { href: `/loads/${encodeURIComponent(name)}/report`, target: "_blank", rel: "noopener" }, "The whole report");

        function notes(report) {
          return [
            report.invalid.map((line) => make("p", { class: "warn" }, `Invalid: ${line}.`)),
            report.thresholds.map((one) => make("p", { class: one.holds ? "good" : "bad" }, `${one.holds ? "Kept" : "Broken"}: ${one.threshold}, measured ${one.measured}.`)),
            report.findings.map((one) => make("p", { class: one.holds ? "good" : "bad" }, `${one.holds ? "Right" : "Wrong"}: ${one.what}: ${one.detail}.`)),
          ];
        }

        export function result(name, report) {
          if (!report.all?.latency) return make("section", {}, make("h2", {}, name), make("p", { class: "empty" }, "This document is no report of a load run."));
          const { all, limit } = report;
          return make("section", {}, make("div", { class: "bar" }, make("h2", {}, name), make("span", { class: "quiet" }, `${report.target}: ${report.driver}`), whole(name)),
            notes(report),
            limit ? [make("p", {}, make("strong", {}, limit.knee ? `Safe at ${show.rate(limit.safe)}/s, the knee is at ${show.rate(limit.knee)}/s` : "No rate kept the promise"),
              ` for ${limit.requirements.join(", ")}. Confidence: ${limit.confidence}, ${limit.reason}. `, limit.bottleneck?.description ?? ""), steps(limit.steps)] : "",
            figures([
              ["requests", show.rate(all.rate) + "/s"], ["wanted", report.wanted === undefined ? "-" : show.rate(report.wanted) + "/s"], ["p50", show.time(all.latency.p50)], ["p99", show.time(all.latency.p99)],
              ["p99.9", show.time(all.latency.p999)], ["largest", show.time(all.latency.max)], ["failed", show.share(all.errors), all.errors > 0],
              ["generator late, p99", show.time(report.generator.lag.p99)], ["generator's busiest loop", show.share(report.generator.busiest)],
            ]),
            charts(report.samples), kinds(report.kinds));
        }

        function kinds(list) {
          return table(["Request", num("Count"), num("Rate"), num("p50"), num("p99"), num("Largest"), num("Failed"), "Why"], list.map((one) => make("tr", { "data-key": one.name },
            make("th", { scope: "row" }, one.name), make("td", { class: "num" }, one.requests.toLocaleString()), make("td", { class: "num" }, show.rate(one.rate) + "/s"),
            make("td", { class: "num" }, show.time(one.latency.p50)), make("td", { class: "num" }, show.time(one.latency.p99)), make("td", { class: "num" }, show.time(one.latency.max)),
            make("td", { class: "num" + (one.failed ? " bad" : "") }, show.share(one.errors)), make("td", { class: "quiet" }, Object.entries(one.failures).map(([why, count]) => `${why}: ${count}`).join(", ")))));
        }

        const verdicts = { better: ["good", "better"], worse: ["bad", "worse"], same: ["quiet", "no difference"] };

        export function comparison(names, reports, compared) {
          const value = (row, one) => (row.measure === "errors" ? show.share(one) : row.measure === "rate" ? show.rate(one) + "/s" : show.time(one));
          const changed = (row) => row.change === undefined ? "" : `${row.change > 0 ? "+" : ""}${(row.change * 100).toFixed(1)} %`;
          return make("section", {}, make("h2", {}, `${names[1]} against ${names[0]}`),
            compared.cautions.map((line) => make("p", { class: "warn" }, `Mind that ${line}.`)),
            table(["Request", "Measure", num("Older"), num("Newer"), num("Change"), "Verdict"], compared.rows.map((row) => make("tr", { "data-key": row.kind + row.measure },
              make("th", { scope: "row" }, row.kind), make("td", {}, row.measure), make("td", { class: "num" }, value(row, row.old)), make("td", { class: "num" }, value(row, row.new)),
              make("td", { class: "num" }, changed(row)), make("td", { class: verdicts[row.verdict]?.[0] ?? "quiet" }, verdicts[row.verdict]?.[1] ?? "")))),
            make("p", { class: "quiet" }, "A verdict is given where the runs say how much they vary in themselves."),
            reports.map((report, index) => [make("h3", {}, names[index], " ", whole(names[index])), charts(report.samples ?? [])]));
        }

        """#
}
