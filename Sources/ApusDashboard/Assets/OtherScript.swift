extension Asset {
    static let otherScript = #"""
        // Settings, and sessions as files.

        import { address, ask, make, mayChange, notice } from "/script/kit.js";

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

        """#
}
