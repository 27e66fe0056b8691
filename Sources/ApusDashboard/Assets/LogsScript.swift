extension Asset {
    static let logsScript = #"""
        // The log of all parts: search what is there, and lines as they come.

        import { address, ask, choice, link, make, partChoices, show } from "/script/kit.js";

        const linesMax = 2000;

        export function lineRows(lines) {
          return lines.map((line) => make("tr", { class: line.level },
            make("td", {}, show.clock(line.time, true)), make("td", {}, line.level), make("td", { class: "quiet" }, line.part),
            make("td", {}, line.message, line.fields.map((field) => make("span", { class: "quiet" }, `  ${field.key}=${field.value}`)),
              line.trace ? ["  ", link("/traces/" + line.trace, "request")] : "")));
        }

        export async function logsPage(page) {
          const { parts } = await ask("/api/parts", { signal: page.signal });
          const body = make("tbody", {});
          const empty = make("p", { class: "empty" });
          let source, timer;
          const later = () => { clearTimeout(timer); timer = setTimeout(refresh, 200); };
          const text = make("input", { type: "search", value: address.get("text"), placeholder: "words, or field=value", "aria-label": "Search the log",
            oninput: (event) => { address.set({ text: event.target.value }); later(); } });
          const part = choice("part", [...partChoices(parts, page.facts.blocks), ["supervisor", "supervisor"]], narrowed);
          const level = choice("level", [["", "all"], ["info", "info"], ["warning", "warning"], ["error", "error"]], () => refresh());
          const live = make("button", { "aria-pressed": address.get("live") === "no" || address.get("at") ? "false" : "true",
            onclick: () => { address.set({ live: live.getAttribute("aria-pressed") === "true" ? "no" : "" }); refresh(); } }, "Live");
          page.main.replaceChildren(make("h1", {}, "Logs"),
            make("div", { class: "bar" }, text, make("label", {}, "part", part), make("label", {}, "level", level), live),
            make("section", { "aria-label": "Lines, the newest first" }, make("table", { class: "lines" }, body), empty));

          function narrowed() {
            window.dispatchEvent(new Event("narrowed"));
            refresh();
          }

          async function refresh() {
            source?.close();
            const query = new URLSearchParams({ most: 500 });
            for (const name of ["text", "part", "level"]) if (address.get(name)) query.set(name, address.get(name));
            const at = address.get("at");
            if (at) query.set("to", at);
            const { lines } = await ask("/api/logs?" + query, { signal: page.signal });
            body.replaceChildren(...lineRows(lines));
            empty.textContent = lines.length ? "" : "No such line. Lines of level debug are written with --log-level debug.";
            const isLive = address.get("live") !== "no" && !at;
            live.setAttribute("aria-pressed", String(isLive));
            if (!isLive) return;
            query.set("after", Math.max(-1, ...lines.map((line) => line.number)));
            if (!lines.length) query.delete("after");
            source = new EventSource("/api/logs/live?" + query);
            source.addEventListener("line", (event) => {
              body.prepend(...lineRows([JSON.parse(event.data)]));
              empty.textContent = "";
              while (body.rows.length > linesMax) body.lastChild.remove();
            });
          }
          page.signal.addEventListener("abort", () => source?.close());
          await refresh();
        }

        """#
}
