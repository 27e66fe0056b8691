extension Asset {
    static let appScript = #"""
        // Which page it is stands in the address. Everything else is asked for.

        import { address, ask, make, notice, show } from "/script/kit.js";
        import { morph } from "/script/morph.js";
        import { picturePage } from "/script/picture.js";
        import { blockPage, partPage, partsPage } from "/script/parts.js";
        import { tracePage, tracesPage } from "/script/traces.js";
        import { logsPage } from "/script/logs.js";
        import { explorePage } from "/script/explore.js";
        import { loadsPage } from "/script/loads.js";
        import { settingsPage } from "/script/other.js";

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
          const { signal } = ending;
          const found = pages.find(([pattern]) => pattern.test(location.pathname));
          if (!found) return main.replaceChildren(make("p", { class: "empty" }, "There is no such page."));
          const [pattern, page] = found;
          tellFilter();
          const words = location.pathname.match(pattern).slice(1).map(decodeURIComponent);
          try {
            await page({ main, facts, signal }, ...words);
          } catch (error) {
            if (error.name !== "AbortError" && !signal.aborted) main.replaceChildren(make("p", { class: "empty bad" }, error.message));
          }
        }

        /** Has every link keep the part that is chosen, and says which one that is. */
        function tellFilter() {
          for (const item of document.querySelectorAll("nav a")) {
            const path = item.getAttribute("href").split("?")[0];
            const isHere = path === "/" ? location.pathname === "/" : location.pathname.startsWith(path)
              || path === "/parts" && location.pathname.startsWith("/blocks");
            if (isHere) item.setAttribute("aria-current", "page"); else item.removeAttribute("aria-current");
            item.href = address.link(path);
          }
          const part = address.get("part");
          morph(document.getElementById("filter"), part ? make("button", { class: "chip", onclick: widen, title: "Key x", "aria-label": `Only ${part}: show all again` }, part, " ✕") : "");
        }

        function widen() {
          if (!address.get("part")) return;
          if (/^\/(parts|blocks)\/./.test(location.pathname)) return go(address.link("/parts", { part: "" }));
          address.set({ part: "" });
          if (location.pathname !== "/") return open();
          window.dispatchEvent(new Event("narrowed"));
        }

        function go(path) {
          history.pushState(null, "", path);
          scrollTo(0, 0);
          open();
          main.focus({ preventScroll: true });
        }

        document.addEventListener("click", (event) => {
          const target = event.target.closest?.("a[href]");
          if (!target || event.ctrlKey || event.metaKey || event.shiftKey || event.button || target.hasAttribute("download") || target.target) return;
          const url = new URL(target.href);
          if (url.origin !== location.origin || url.pathname.startsWith("/api") || url.pathname === "/metrics") return;
          event.preventDefault();
          go(url.pathname + url.search);
        });
        // A question that a page has asked and does not wait for any more is no failure.
        window.addEventListener("unhandledrejection", (event) => {
          event.preventDefault();
          if (event.reason?.name !== "AbortError") notice(event.reason?.message ?? "That did not work.");
        });
        window.addEventListener("popstate", open);
        window.addEventListener("changed", () => open());
        window.addEventListener("narrowed", tellFilter);
        window.addEventListener("go", (event) => go(event.detail));

        // Letters lead to pages; "/" to the search, "?" explains, "." comes back to now.
        document.addEventListener("keydown", (event) => {
          if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest?.("input:not([type=range]):not([type=checkbox]):not([type=radio]), select, textarea, dialog")) return;
          const item = document.querySelector(`nav a[data-letter="${CSS.escape(event.key)}"]`);
          if (item) go(item.getAttribute("href"));
          else if (event.key === "/") document.querySelector("main input[type=search]")?.focus();
          else if (event.key === "?") help();
          else if (event.key === "t") theme();
          else if (event.key === "x") widen();
          else if (event.key === ".") moveTo("");
          else return;
          event.preventDefault();
        });

        function help() {
          const rows = [...document.querySelectorAll("nav a")].map((item) => [item.dataset.letter, item.textContent]);
          rows.push(["/", "Search"], ["x", "Show all parts again"], [".", "Back to now"], ["t", "Dark or light"], ["?", "This help"]);
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
          if (place.querySelector("input:active")) return;
          const slider = make("input", {
            type: "range", id: "slider", min: Math.ceil(from / 1e6), max: Math.floor(to / 1e6), step: 1000,
            value: at || Math.floor(to / 1e6), "aria-label": "Time that is shown",
            oninput: (event) => { place.querySelector("output").textContent = words(event.target.value); },
            onchange: (event) => {
              const value = Number(event.target.value);
              moveTo(value > Number(event.target.max) - 2000 ? "" : value);
            },
          });
          morph(place, make("span", { class: "quiet" }, show.clock(from)), slider, make("output", { for: "slider" }, at ? words(at) : "now"),
            make("button", { onclick: () => moveTo(""), disabled: !at, title: "Key ." }, "Now"));
        }

        function words(milliseconds) {
          const date = new Date(Number(milliseconds));
          const ago = Math.max(0, Math.round((Date.now() - date) / 1000));
          return `${date.toLocaleString([], { hour12: false })}, ${show.length(ago)} ago`;
        }

        /** What is wider than its place is scrolled by keyboard too, so the focus has to come there. */
        function letScroll() {
          for (const one of main.querySelectorAll("section")) {
            if (one.scrollWidth > one.clientWidth) one.setAttribute("tabindex", 0); else one.removeAttribute("tabindex");
          }
        }
        let isMeasuring = false;
        function measure() {
          if (isMeasuring) return;
          isMeasuring = true;
          requestAnimationFrame(() => { isMeasuring = false; letScroll(); });
        }
        new MutationObserver(measure).observe(main, { childList: true, subtree: true });
        window.addEventListener("resize", measure);

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
