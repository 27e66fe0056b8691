extension Asset {
    static let appScript = #"""
        // Which page it is stands in the address. Everything else is asked for.

        import { address, ask, make, notice, show } from "/script/kit.js";
        import { picturePage } from "/script/picture.js";
        import { blockPage, partPage, partsPage } from "/script/parts.js";
        import { tracePage, tracesPage } from "/script/traces.js";
        import { logsPage } from "/script/logs.js";
        import { explorePage } from "/script/explore.js";
        import { loadsPage, settingsPage } from "/script/other.js";

        const pages = [
          [/^\/$/, picturePage], [/^\/parts$/, partsPage], [/^\/parts\/([^/]+)$/, partPage],
          [/^\/blocks\/([^/]+)\/([^/]+)$/, blockPage], [/^\/traces$/, tracesPage], [/^\/traces\/([^/]+)$/, tracePage],
          [/^\/logs$/, logsPage], [/^\/explore$/, explorePage], [/^\/loads$/, loadsPage], [/^\/configuration$/, settingsPage],
        ];

        const main = document.getElementById("main");
        let ending = new AbortController();
        export const facts = { system: "", blocks: [], range: [] };

        async function refreshFacts() {
          const answer = await ask("/api/facts");
          Object.assign(facts, answer.facts, { range: answer.range });
        }

        async function open() {
          ending.abort();
          ending = new AbortController();
          const found = pages.find(([pattern]) => pattern.test(location.pathname));
          if (!found) return main.replaceChildren(make("p", { class: "empty" }, "There is no such page."));
          const [pattern, page] = found;
          for (const item of document.querySelectorAll("nav a")) {
            const path = item.getAttribute("href").split("?")[0];
            const isHere = path === "/" ? location.pathname === "/" || location.pathname.startsWith("/blocks")
              : location.pathname.startsWith(path);
            if (isHere) item.setAttribute("aria-current", "page"); else item.removeAttribute("aria-current");
            item.href = address.link(path);
          }
          const words = location.pathname.match(pattern).slice(1).map(decodeURIComponent);
          try {
            await page({ main, facts, signal: ending.signal }, ...words);
          } catch (error) {
            if (error.name !== "AbortError") main.replaceChildren(make("p", { class: "empty bad" }, error.message));
          }
        }

        export function go(path) {
          history.pushState(null, "", path);
          open();
          main.focus({ preventScroll: true });
        }

        document.addEventListener("click", (event) => {
          const target = event.target.closest?.("a[href]");
          if (!target || event.ctrlKey || event.metaKey || event.shiftKey || event.button || target.hasAttribute("download")) return;
          const url = new URL(target.href);
          if (url.origin !== location.origin || url.pathname.startsWith("/api") || url.pathname === "/metrics") return;
          event.preventDefault();
          go(url.pathname + url.search);
        });
        window.addEventListener("popstate", open);
        window.addEventListener("changed", () => open());
        window.addEventListener("go", (event) => go(event.detail));

        // Letters lead to pages; "/" to the search, "?" explains, "." comes back to now.
        document.addEventListener("keydown", (event) => {
          if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest?.("input, select, textarea, dialog")) return;
          const item = document.querySelector(`nav a[data-key="${CSS.escape(event.key)}"]`);
          if (item) go(item.getAttribute("href"));
          else if (event.key === "/") document.querySelector("main input[type=search]")?.focus();
          else if (event.key === "?") help();
          else if (event.key === "t") theme();
          else if (event.key === ".") moveTo("");
          else return;
          event.preventDefault();
        });

        function help() {
          const rows = [...document.querySelectorAll("nav a")].map((item) => [item.dataset.key, item.textContent]);
          rows.push(["/", "Search"], [".", "Back to now"], ["t", "Dark or light"], ["?", "This help"]);
          const dialog = make("dialog", { "aria-label": "Keys" }, make("h2", {}, "Keys"),
            make("table", {}, make("tbody", {}, rows.map(([key, text]) =>
              make("tr", {}, make("td", {}, make("kbd", {}, key)), make("td", {}, text))))),
            make("form", { method: "dialog" }, make("button", {}, "Close")));
          dialog.addEventListener("close", () => dialog.remove());
          document.body.append(dialog);
          dialog.showModal();
        }

        function theme() {
          const root = document.documentElement;
          const isDark = (root.dataset.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
          root.dataset.theme = isDark ? "light" : "dark";
          try { localStorage.setItem("theme", root.dataset.theme); } catch { /* A browser may keep nothing. */ }
        }

        // The time that is looked at: now, or a moment of the last day.
        function moveTo(milliseconds) {
          address.set({ at: milliseconds });
          tellTime();
          open();
        }

        function tellTime() {
          const place = document.getElementById("time");
          const [from, to] = facts.range;
          if (!from || to - from < 5e9) return place.replaceChildren();
          const at = Number(address.get("at"));
          place.classList.toggle("past", Boolean(at));
          if (place.querySelector("input:active") || document.activeElement?.id === "slider" && place.dataset.held) return;
          const slider = make("input", {
            type: "range", id: "slider", min: Math.ceil(from / 1e6), max: Math.floor(to / 1e6), step: 1000,
            value: at || Math.floor(to / 1e6), "aria-label": "Time that is shown",
            oninput: (event) => { label.textContent = words(event.target.value); },
            onchange: (event) => {
              const value = Number(event.target.value);
              moveTo(value > to / 1e6 - 2000 ? "" : value);
            },
          });
          const label = make("output", { for: "slider" }, at ? words(at) : "now");
          place.replaceChildren(make("span", { class: "quiet" }, show.clock(from)), slider, label,
            make("button", { onclick: () => moveTo(""), disabled: !at, title: "Key ." }, "Now"));
        }

        function words(milliseconds) {
          const date = new Date(Number(milliseconds));
          const ago = Math.max(0, Math.round((Date.now() - date) / 1000));
          return `${date.toLocaleString([], { hour12: false })}, ${show.length(ago)} ago`;
        }

        function tools() {
          document.getElementById("tools").replaceChildren(
            make("button", { onclick: theme, title: "Key t", "aria-label": "Dark or light" }, "◐"),
            make("button", { onclick: help, title: "Key ?", "aria-label": "Keys" }, "?"));
        }

        try {
          const kept = localStorage.getItem("theme");
          if (kept) document.documentElement.dataset.theme = kept;
        } catch { /* A browser may keep nothing. */ }
        tools();
        await refreshFacts().catch((error) => notice(error.message));
        tellTime();
        await open();
        setInterval(() => refreshFacts().then(tellTime).catch(() => notice("The system does not answer.")), 5000);

        """#
}
