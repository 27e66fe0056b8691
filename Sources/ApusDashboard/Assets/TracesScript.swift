extension Asset {
    static let tracesScript = #"""
        // Requests: the list, and one of them from the edge to the shard with its lines of the log.

        import { address, again, ask, choice, color, draw, go, link, make, num, pageOf, partChoices, show, table, wide } from "/script/kit.js";
        import { morph } from "/script/morph.js";
        import { lineRows } from "/script/logs.js";

        export async function tracesPage(page) {
          const list = make("section", {});
          let timer;
          const later = () => { clearTimeout(timer); timer = setTimeout(refresh, 200); };
          const { parts } = await ask("/api/parts", { signal: page.signal });
          const text = make("input", { type: "search", value: address.get("text"), placeholder: "route, path or id", "aria-label": "Search requests",
            oninput: (event) => { address.set({ text: event.target.value }); later(); } });
          const part = choice("part", partChoices(parts, page.facts.blocks), narrowed);
          const least = choice("least", [["", "any"], ["1", "1 ms"], ["10", "10 ms"], ["50", "50 ms"], ["250", "250 ms"], ["1000", "1 s"]], () => refresh());
          const failed = make("input", { type: "checkbox", checked: address.get("failed") !== "",
            onchange: (event) => { address.set({ failed: event.target.checked ? "1" : "" }); refresh(); } });
          const order = choice("order", [["", "newest first"], ["slow", "slowest first"]], () => refresh(), { "aria-label": "Order" });
          page.main.replaceChildren(make("h1", {}, "Requests"),
            make("div", { class: "bar" }, text, make("label", {}, "through", part), make("label", {}, "at least", least),
              make("label", {}, failed, "failed"), order), list);

          function narrowed() {
            window.dispatchEvent(new Event("narrowed"));
            refresh();
          }

          async function refresh() {
            const query = new URLSearchParams({ most: 200 });
            for (const name of ["text", "part", "least", "failed"]) if (address.get(name)) query.set(name, address.get(name));
            const at = address.get("at");
            if (at) query.set("to", at);
            const { traces } = await ask("/api/traces?" + query, { signal: page.signal });
            if (address.get("order") === "slow") traces.sort((one, other) => other.nanoseconds - one.nanoseconds);
            const longest = Math.max(1, ...traces.map((trace) => trace.nanoseconds));
            morph(list, traces.length ? table(["When", "What", num("Time"), wide(make("span", { class: "hidden" }, "Beside the longest")), wide(num("Spans")), wide("Parts")], traces.map((trace) =>
              make("tr", { class: "link", "data-key": trace.trace, onclick: (event) => {
                if (!event.target.closest("a")) go(address.link("/traces/" + trace.trace));
              } },
                make("td", {}, show.clock(trace.began, true)),
                make("th", { scope: "row", class: trace.failed ? "bad" : null }, link("/traces/" + trace.trace, trace.name || trace.trace), trace.failed ? " failed" : ""),
                make("td", { class: "num" }, show.time(trace.nanoseconds / 1e9)),
                make("td", { class: "wide-only" }, make("span", { class: "meter", "aria-hidden": "true" }, draw("svg", { viewBox: "0 0 100 10", preserveAspectRatio: "none" },
                  draw("rect", { width: Math.max(1, 100 * trace.nanoseconds / longest), height: 10, fill: color(trace.part) })))),
                make("td", { class: "num wide-only" }, trace.spans), make("td", { class: "quiet wide-only" }, trace.parts.join(" ")))))
              : make("p", { class: "empty" }, "No such request is held. Open the system's address once, or loosen the filters; ",
                make("code", {}, `${page.facts.system} traces`), " lists the same."));
          }
          let isFirst = true;
          await again(page, 2, async () => {
            if (isFirst || !address.get("at")) await refresh();
            isFirst = false;
          });
        }

        export async function tracePage(page, id) {
          const { spans } = await ask("/api/traces/" + id, { signal: page.signal });
          const { lines } = await ask(`/api/logs?trace=${id}&most=500`, { signal: page.signal });
          const rows = tree(spans);
          const begin = Math.min(...spans.map((span) => span.began));
          const end = Math.max(...spans.map((span) => span.began + span.nanoseconds));
          const whole = Math.max(1, end - begin);
          const parts = [...new Set(spans.map((span) => span.part))];
          page.main.replaceChildren(
            make("h1", {}, rows[0]?.span.attributes["url.path"] ?? rows[0]?.span.name ?? "Request"),
            make("p", { class: "quiet" }, make("code", {}, id), ` · ${show.clock(begin, true)} · ${show.time(whole / 1e9)} · ${spans.length} spans`),
            make("ul", { class: "legend", "aria-label": "Parts" }, parts.map((part) => make("li", {},
              draw("svg", { viewBox: "0 0 10 10" }, draw("rect", { width: 10, height: 10, rx: 2, fill: color(part) })), link(pageOf(part.split("/")[0]), part)))),
            make("section", {}, make("table", { class: "waterfall" }, make("thead", {}, make("tr", {},
              make("th", { scope: "col" }, "Span"), make("th", { scope: "col", class: "wide-only" }, "Part"), make("th", { scope: "col", class: "num wide-only" }, "Begins"),
              make("th", { scope: "col", class: "num" }, "Takes"), make("th", { scope: "col" }, `0 to ${show.time(whole / 1e9)}`))),
              make("tbody", {}, rows.map(({ span, depth }) => row(span, depth, begin, whole, lines))))),
            make("section", {}, make("h2", {}, "Lines of the log"), lines.length
              ? make("table", { class: "lines" }, make("tbody", {}, lineRows(lines.reverse())))
              : make("p", { class: "empty" }, "No line was written within this request.")));
        }

        function row(span, depth, begin, whole, lines) {
          const from = 1000 * (span.began - begin) / whole, width = Math.max(2, 1000 * span.nanoseconds / whole);
          const marks = lines.filter((line) => line.part === span.part && line.time >= span.began && line.time <= span.began + span.nanoseconds);
          const notes = Object.entries(span.attributes);
          const name = make("td", { class: "name" + (span.failed ? " bad" : "") },
            notes.length ? make("details", {}, make("summary", {}, span.name), notes.map(([key, value]) =>
              make("div", { class: "mono quiet" }, `${key} = ${value}`))) : make("span", {}, span.name), span.failed ? " failed" : "");
          name.style.paddingLeft = `${depth * 1.1 + (notes.length ? 0 : 1)}rem`;
          return make("tr", {}, name,
            make("td", { class: "quiet wide-only" }, span.part),
            make("td", { class: "num quiet wide-only" }, show.time((span.began - begin) / 1e9)),
            make("td", { class: "num" }, show.time(span.nanoseconds / 1e9)),
            make("td", { class: "lane" }, draw("svg", { viewBox: "0 0 1000 20", preserveAspectRatio: "none", role: "img",
              "aria-label": `${span.name} begins at ${show.time((span.began - begin) / 1e9)} and takes ${show.time(span.nanoseconds / 1e9)}` },
              draw("rect", { x: Math.min(998, from), y: 4, width, height: 12, rx: 2, fill: span.failed ? "var(--bad)" : color(span.part) }),
              marks.map((line) => draw("rect", { x: 1000 * (line.time - begin) / whole, y: 1, width: 3, height: 18, fill: "var(--ink)" }, draw("title", {}, line.message))))));
        }

        /** Spans under their parents; one whose parent is missing stands at the front. */
        function tree(spans) {
          const known = new Set(spans.map((span) => span.span));
          const children = new Map();
          for (const span of spans) {
            const parent = known.has(span.parent) && span.parent !== span.span ? span.parent : "";
            if (!children.has(parent)) children.set(parent, []);
            children.get(parent).push(span);
          }
          const rows = [], seen = new Set();
          (function add(parent, depth) {
            for (const span of children.get(parent) ?? []) {
              if (seen.has(span.span)) continue;
              seen.add(span.span);
              rows.push({ span, depth });
              if (depth < 64) add(span.span, depth + 1);
            }
          })("", 0);
          return rows;
        }

        """#
}
