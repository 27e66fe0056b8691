extension Asset {
    static let loadsScript = #"""
        // Load runs: one is started, watched and stopped here, and found among the results afterwards.

        import { address, again, ask, change, make, mayChange, notice, num, show, table, wide } from "/script/kit.js";
        import { morph } from "/script/morph.js";
        import { drawChart } from "/script/explore.js";
        import { comparison, figures, result } from "/script/runs.js";

        const shapes = [["constant", "constant"], ["ramp", "ramp up from a tenth"], ["step", "five steps up"], ["spike", "a spike"], ["day", "a real day, squeezed"], ["soak", "soak"]];

        export async function loadsPage(page) {
          let about = await ask("/api/loads", { signal: page.signal });
          let run = about.run, source, wasBusy = false;
          const starting = make("div", {}), running = make("div", {}), results = make("div", {}), shown = make("div", {});
          page.main.replaceChildren(make("h1", {}, "Load"), starting, running, results, shown);

          function renew() {
            const isBusy = run && ["preparing", "running", "ending"].includes(run.state);
            if (!starting.firstChild) starting.append(form(about, page));
            starting.firstChild.inert = Boolean(isBusy);
            morph(running, run ? progress(run, isBusy) : "");
            if (wasBusy && !isBusy) list().catch(() => {});
            wasBusy = isBusy;
          }

          async function list() {
            about = await ask("/api/loads", { signal: page.signal });
            morph(results, listing(about, open));
          }

          async function open() {
            const names = address.all("run").filter(Boolean).slice(-2);
            if (!names.length) return morph(shown);
            const reports = await Promise.all(names.map((name) => ask("/api/loads/" + encodeURIComponent(name), { signal: page.signal })));
            if (names.length === 1) return morph(shown, result(names[0], reports[0]));
            const compared = await ask("/api/loads/compare?" + new URLSearchParams({ old: names[0], new: names[1] }), { signal: page.signal });
            morph(shown, comparison(names, reports, compared));
          }

          morph(results, listing(about, open));
          renew();
          source = new EventSource("/api/loads/live");
          source.addEventListener("run", (event) => {
            const news = JSON.parse(event.data);
            // Samples come once: those from before are kept here.
            const known = run?.number === news.number ? run.samples.slice(0, news.samplesFrom) : [];
            run = { ...news, samples: [...known, ...news.samples] };
            renew();
          });
          page.signal.addEventListener("abort", () => source.close());
          await open();
        }

        /** What a run is started with. */
        function form(about, page) {
          if (!about.scenarios.length) return make("section", {}, make("p", { class: "empty" }, "This system declares no load. ", make("code", {}, `${page.facts.system} load --url URL`), " loads any server."));
          if (!mayChange()) return make("section", {}, make("h2", {}, "Start a run"), make("p", { class: "quiet" }, "Open the address with the token that up printed to start one."));
          const scenario = make("select", { name: "scenario", onchange: () => standard() }, about.scenarios.map((one) => make("option", { value: one.name }, one.name)));
          const summary = make("p", { class: "quiet", id: "summary" });
          const rate = make("input", { name: "rate", type: "number", min: 0.1, max: 1000000, step: "any", required: true });
          const duration = make("input", { name: "duration", pattern: "[0-9.]+(ms|s|m|h)", title: "30s, 5m, 1h", required: true, size: 6 });
          const shape = make("select", { name: "shape" }, shapes.map(([value, text]) => make("option", { value }, text)));
          const limit = make("input", { name: "limit", value: "p99=50ms", size: 12 });
          const kinds = [["rate", "at a rate"], ["limit", "find the limit"]].map(([value, text], index) =>
            make("label", {}, make("input", { type: "radio", name: "kind", value, checked: index === 0, onchange: () => standard() }), text));
          const byRate = [make("label", {}, "shape", shape), make("label", {}, "for", duration)];
          const byLimit = [make("label", {}, "that keeps", limit)];
          const isLimit = () => kinds[1].firstChild.checked;
          const fields = make("form", { class: "bar", onsubmit: (event) => { event.preventDefault(); start(); } },
            make("label", {}, "scenario", scenario), make("fieldset", { class: "bar" }, make("legend", { class: "hidden" }, "Kind of run"), kinds),
            make("label", {}, "arrivals a second", rate), byRate, byLimit, make("button", { class: "main" }, "Start"));
          function standard() {
            const chosen = about.scenarios.find((one) => one.name === scenario.value);
            summary.textContent = chosen.summary;
            rate.value = chosen.rate;
            duration.value = `${chosen.seconds}s`;
            for (const one of byRate) one.hidden = isLimit();
            for (const one of byLimit) one.hidden = !isLimit();
            duration.required = !isLimit();
          }
          standard();
          function start() {
            const query = { scenario: scenario.value, rate: rate.value };
            if (isLimit()) query.limit = limit.value; else Object.assign(query, { shape: shape.value, duration: duration.value });
            change("Start the load", "/api/loads/start", query);
          }
          return make("section", {}, make("h2", {}, "Start a run"), summary, fields);
        }

        /** The run that is under way, or was last. */
        function progress(run, isBusy) {
          const last = run.samples.findLast((one) => one.seconds >= 0.5) ?? run.samples.at(-1);
          const words = { preparing: "is being prepared", running: "is under way", ending: "is ending", done: "is done", stopped: "was stopped", failed: "failed" };
          const share = run.seconds && last ? Math.min(1, last.at / run.seconds) : 0;
          return make("section", { "aria-label": "The run" },
            make("div", { class: "bar" }, make("h2", {}, `${run.scenario} ${words[run.state]}`), make("span", { class: "quiet" }, run.driver ?? run.asked),
              isBusy && !run.isLimit ? make("progress", { max: 1, value: share, "aria-label": "How far it is" }) : "",
              isBusy ? make("button", { onclick: () => change("Stop the load", "/api/loads/stop") }, "Stop") : "",
              !isBusy && run.result ? make("a", { href: "/loads?run=" + encodeURIComponent(run.result) }, "Its result") : ""),
            run.problem ? make("p", { class: "bad" }, run.problem) : "",
            last ? [figures([
              ["requests", show.rate(last.requests / Math.max(last.seconds, 1e-9)) + "/s"], ["wanted", last.wanted === undefined ? "-" : show.rate(last.wanted) + "/s"],
              ["p50", show.time(last.latency.p50)], ["p99", show.time(last.latency.p99)], ["failed", String(last.failed), last.failed > 0],
              ["under way", String(last.underWay)], ["generator late, p99", show.time(last.lag), last.lag > Math.max(0.001, last.latency.p99 / 10)],
            ]), charts(run.samples)] : "",
            run.steps.length ? steps(run.steps) : "",
            run.lines.length ? make("details", { open: isBusy && !last }, make("summary", {}, "What it says"), make("pre", { class: "mono quiet" }, run.lines.join("\n"))) : "");
        }

        export function charts(samples) {
          // The last moment of a run is no second: a few requests in it would look like a burst.
          const seen = samples.filter((one) => one.seconds >= 0.5).slice(-600);
          if (seen.length < 2) return "";
          const times = seen.map((one) => one.at * 1e9);
          const line = (name, value) => ({ name, values: seen.map(value) });
          const chart = (name, unit, lines) => drawChart({ name, show: unit === "1/s" ? "rate" : "p99", unit, times, lines, exemplars: [], linesLeftOut: 0, isElapsed: true });
          return make("div", { class: "pair" },
            make("div", {}, chart("latency", "seconds", [line("p99", (one) => one.latency.count ? one.latency.p99 : null), line("p50", (one) => one.latency.count ? one.latency.p50 : null)])),
            make("div", {}, chart("rate", "1/s", [line("requests", (one) => one.requests / Math.max(one.seconds, 1e-9)), line("arrivals wanted", (one) => one.wanted ?? null),
              line("failed", (one) => one.failed / Math.max(one.seconds, 1e-9))])));
        }

        export function steps(list) {
          return table([num("Rate"), num("Answered"), num("p50"), num("p99"), num("Errors"), "Held", "Busiest"], list.map((step, index) =>
            make("tr", { "data-key": String(index) }, make("th", { scope: "row", class: "num" }, show.rate(step.rate) + "/s"), make("td", { class: "num" }, show.rate(step.answered) + "/s"),
              make("td", { class: "num" }, show.time(step.p50)), make("td", { class: "num" }, show.time(step.p99)), make("td", { class: "num" }, show.share(step.errors)),
              make("td", { class: step.holds ? "good" : "bad" }, step.holds ? "yes" : step.why ?? "no"), make("td", { class: "quiet" }, step.bottleneck?.description ?? ""))));
        }

        function listing(about, open) {
          const chosen = () => address.all("run").filter(Boolean);
          const verdict = (one) => !one.summary ? ["quiet", "another document"] : one.summary.isValid ? one.summary.holds ? ["good", "valid"] : ["bad", "not kept"] : ["warn", "invalid"];
          return make("section", {}, make("h2", {}, "Results"), about.loads.length ? [
            make("p", { class: "quiet" }, "Choose one to see it, two to compare them: the older one first."),
            table(["Show", "Run", wide("When"), wide("How"), num("Requests"), num("p50"), num("p99"), num("Failed"), "Outcome"], about.loads.map((one) => make("tr", { "data-key": one.name },
              make("td", {}, make("input", { type: "checkbox", checked: chosen().includes(one.name), "aria-label": `Show ${one.name}`, onchange: (event) => {
                const others = chosen().filter((name) => name !== one.name);
                address.set({ run: event.target.checked ? [...others, one.name].slice(-2) : others });
                for (const box of event.target.closest("table").querySelectorAll("input")) box.checked = chosen().includes(box.closest("tr").dataset.key);
                open().catch((error) => notice(error.message));
              } })), make("th", { scope: "row" }, one.name), make("td", { class: "wide-only" }, new Date(one.time / 1e6).toLocaleString([], { hour12: false })),
              make("td", { class: "quiet wide-only" }, one.summary?.driver ?? show.bytes(one.bytes)), make("td", { class: "num" }, one.summary ? show.rate(one.summary.rate) + "/s" : "-"),
              make("td", { class: "num" }, show.time(one.summary?.p50)), make("td", { class: "num" }, show.time(one.summary?.p99)),
              make("td", { class: "num" + (one.summary?.errors ? " bad" : "") }, one.summary ? show.share(one.summary.errors) : "-"),
              make("td", { class: verdict(one)[0] }, one.summary?.knee ? `knee ${show.rate(one.summary.knee)}/s` : verdict(one)[1]))))]
            : make("p", { class: "empty" }, "No run has left a result yet."));
        }

        """#
}
