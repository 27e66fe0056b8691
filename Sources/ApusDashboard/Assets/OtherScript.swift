extension Asset {
    static let otherScript = #"""
        // Settings, sessions as files, and the results of load runs.

        import { address, ask, make, mayChange, notice, show, table } from "/script/kit.js";

        export async function settingsPage(page) {
          const { settings } = await ask("/api/configuration", { signal: page.signal });
          const body = make("tbody", {});
          const search = make("input", { type: "search", value: address.get("text"), placeholder: "setting, value or variable", "aria-label": "Search settings",
            oninput: (event) => { address.set({ text: event.target.value }); rows(); } });
          function rows() {
            const words = address.get("text").toLowerCase();
            body.replaceChildren(...settings.filter((one) => Object.values(one).join(" ").toLowerCase().includes(words)).map((one) =>
              make("tr", {}, make("th", { scope: "row" }, one.key), make("td", {}, make("code", {}, one.value)),
                make("td", {}, make("span", { class: one.from === "default" ? "quiet" : "good" }, one.from)),
                make("td", {}, make("code", {}, one.variable)), make("td", { class: "quiet" }, one.help, " ", one.accepted))));
          }
          const file = make("input", { type: "file", accept: ".apus-session", "aria-label": "A session to open", onchange: async () => {
            if (!file.files[0]) return;
            try {
              const answer = await ask("/api/session", { method: "POST", body: file.files[0] });
              notice(`The time slider reaches back to it: ${new Date(answer.from / 1e6).toLocaleString()}`);
            } catch (error) { notice(error.message); }
          } });
          const at = address.get("at");
          page.main.replaceChildren(make("h1", {}, "Settings"), make("div", { class: "bar" }, search),
            make("section", {}, make("table", { class: "settings" }, make("thead", {}, make("tr", {},
              ["Setting", "Value", "From", "Variable", "Meaning"].map((head) => make("th", { scope: "col" }, head)))), body)),
            make("section", {}, make("h2", {}, "Session"), make("p", {}, "An hour of pictures, requests and lines as one file, to look at elsewhere or later."),
              make("div", { class: "bar" }, make("a", { href: "/api/session" + (at ? `?to=${at}` : ""), download: "" }, "Save the last hour"),
                mayChange() ? make("label", {}, "open", file) : make("span", { class: "quiet" }, "Opening one wants the token."))),
            make("section", {}, make("h2", {}, "Elsewhere"), make("p", {}, make("a", { href: "/metrics" }, "Metrics for Prometheus"), " · ",
              make("code", {}, `${page.facts.system} config --json`))));
          rows();
        }

        /** Numbers of a result, wherever they stand in it. */
        function flat(value, path = "", into = new Map()) {
          if (typeof value === "number" || typeof value === "string" || typeof value === "boolean") into.set(path, value);
          else if (value && typeof value === "object" && !Array.isArray(value)) {
            for (const [key, inner] of Object.entries(value)) flat(inner, path ? `${path}.${key}` : key, into);
          }
          return into;
        }

        export async function loadsPage(page) {
          const { loads } = await ask("/api/loads", { signal: page.signal });
          const result = make("section", { hidden: true });
          const chosen = () => address.all("run").filter((name) => name);
          async function open() {
            const names = chosen().slice(0, 2);
            result.hidden = !names.length;
            if (!names.length) return;
            const documents = await Promise.all(names.map((name) => ask("/api/loads/" + encodeURIComponent(name), { signal: page.signal })));
            const all = documents.map((document) => flat(document));
            const keys = [...new Set(all.flatMap((one) => [...one.keys()]))];
            result.replaceChildren(make("h2", {}, names.join(" against ")), table(["Figure", ...names, ...(names.length === 2 ? ["Change"] : [])],
              keys.map((key) => make("tr", {}, make("th", { scope: "row" }, key), all.map((one) => make("td", {}, String(one.get(key) ?? "-"))),
                names.length === 2 ? make("td", {}, compare(all[0].get(key), all[1].get(key))) : null))));
          }
          page.main.replaceChildren(make("h1", {}, "Load runs"), make("section", {}, loads.length
            ? table(["Compare", "Run", "When", "Size"], loads.map((load) => make("tr", {},
              make("td", {}, make("input", { type: "checkbox", checked: chosen().includes(load.name), "aria-label": `Show ${load.name}`, onchange: (event) => {
                const others = chosen().filter((name) => name !== load.name);
                address.set({ run: event.target.checked ? [...others, load.name].slice(-2) : others });
                open();
              } })), make("th", { scope: "row" }, load.name), make("td", {}, new Date(load.time / 1e6).toLocaleString()), make("td", {}, show.bytes(load.bytes)))))
            : make("p", { class: "empty" }, "No load run has left a result yet. Start one: ", make("code", {}, `./apus load --json > ${page.facts.data}/loads/first.json`))), result);
          await open();
        }

        function compare(before, after) {
          if (typeof before !== "number" || typeof after !== "number" || !before) return "";
          const change = (after - before) / Math.abs(before) * 100;
          return `${change > 0 ? "+" : ""}${change.toFixed(1)} %`;
        }

        """#
}
