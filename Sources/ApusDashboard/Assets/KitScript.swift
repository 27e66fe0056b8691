extension Asset {
    static let kitScript = #"""
        // What all pages share: elements, numbers for people, questions to the server, and the state in the address.

        const svgSpace = "http://www.w3.org/2000/svg";

        /** An element with attributes and children; text is text, never markup. */
        export function make(name, attributes = {}, ...children) {
          return fill(document.createElement(name), attributes, children);
        }

        /** The same for a drawing. */
        export function draw(name, attributes = {}, ...children) {
          return fill(document.createElementNS(svgSpace, name), attributes, children);
        }

        function fill(element, attributes, children) {
          for (const [key, value] of Object.entries(attributes)) {
            if (value === undefined || value === null || value === false) continue;
            if (key.startsWith("on")) element[key] = value;
            else element.setAttribute(key, value === true ? "" : value);
          }
          for (const child of children.flat(Infinity)) {
            if (child === undefined || child === null || child === false) continue;
            element.append(child);
          }
          return element;
        }

        export const show = {
          rate(value) {
            if (!value) return "0";
            if (value >= 10000) return (value / 1000).toFixed(1) + "k";
            return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
          },
          time(seconds) {
            if (seconds === undefined || seconds === null) return "-";
            if (seconds < 0.001) return (seconds * 1e6).toFixed(0) + " µs";
            if (seconds < 1) return (seconds * 1e3).toFixed(seconds < 0.1 ? 1 : 0) + " ms";
            return seconds.toFixed(seconds < 10 ? 2 : 0) + " s";
          },
          share(value) {
            return value === undefined || value === null ? "-" : (value * 100).toFixed(value < 0.1 ? 1 : 0) + " %";
          },
          bytes(value) {
            if (value === undefined || value === null) return "-";
            for (const unit of ["B", "KiB", "MiB", "GiB"]) {
              if (value < 1024 || unit === "GiB") return value.toFixed(unit === "B" || value >= 100 ? 0 : 1) + " " + unit;
              value /= 1024;
            }
          },
          length(seconds) {
            if (seconds < 60) return seconds + " s";
            if (seconds < 3600) return Math.floor(seconds / 60) + " min";
            if (seconds < 86400) return Math.floor(seconds / 3600) + " h";
            return Math.floor(seconds / 86400) + " d";
          },
          clock(nanoseconds, withParts) {
            const date = new Date(nanoseconds / 1e6);
            const text = date.toLocaleTimeString([], { hour12: false });
            return withParts ? text + "." + String(date.getMilliseconds()).padStart(3, "0") : text;
          },
          unit(value, unit) {
            if (unit === "seconds") return show.time(value);
            if (unit === "share") return show.share(value);
            if (unit === "bytes") return show.bytes(value);
            if (unit === "1/s") return show.rate(value) + "/s";
            return value === null || value === undefined ? "-" : Math.round(value * 100) / 100 + "";
          },
        };

        /** A bar that says how much of something is in use; one that only compares is never hot. */
        export function meter(value, name, isPlain) {
          const share = Math.max(0, Math.min(1, value ?? 0));
          const color = share > 0.8 && !isPlain ? "var(--hot)" : "var(--accent)";
          return make("span", { class: "meter", role: "img", "aria-label": `${name ?? "in use"} ${show.share(value)}` },
            draw("svg", { viewBox: "0 0 100 10", preserveAspectRatio: "none" },
              draw("rect", { width: share * 100, height: 10, fill: color })));
        }

        export function state(text) { return make("span", { class: "state " + text }, text); }

        export function table(heads, rows, caption) {
          return make("table", {},
            caption ? make("caption", { class: "quiet" }, caption) : null,
            make("thead", {}, make("tr", {}, heads.map((head) =>
              make("th", { scope: "col", class: [head.num ? "num" : "", head.isWide ? "wide-only" : ""].join(" ").trim() || null }, head.name ?? head)))),
            make("tbody", {}, rows));
        }

        /** Asks the server; throws its problem as a line. */
        export async function ask(path, options = {}) {
          const answer = await fetch(path, { headers: { Accept: "application/json" }, ...options });
          if (answer.ok) return answer.json();
          const problem = await answer.json().catch(() => ({}));
          throw new Error(problem.detail ?? problem.title ?? `the system answered ${answer.status}`);
        }

        export function notice(text) {
          const place = document.getElementById("notice");
          place.textContent = text;
          clearTimeout(notice.timer);
          notice.timer = setTimeout(() => { place.textContent = ""; }, 6000);
        }

        /** What the address says; a link keeps it. */
        export const address = {
          get(name) {
            if (name === "part" && pagePart()) return pagePart();
            return new URLSearchParams(location.search).get(name) ?? "";
          },
          all(name) { return new URLSearchParams(location.search).getAll(name); },
          /** Changes filters without a new entry in the history. */
          set(changes) {
            const query = new URLSearchParams(location.search);
            for (const [name, value] of Object.entries(changes)) {
              query.delete(name);
              for (const one of [value].flat()) if (one !== "" && one !== null && one !== undefined) query.append(name, one);
            }
            const text = query.toString();
            history.replaceState(null, "", location.pathname + (text ? "?" + text : ""));
          },
          /** A link that keeps the time that is looked at, and the part that was chosen. */
          link(path, query = {}) {
            const all = new URLSearchParams(Object.entries(query).flatMap(([name, value]) => [value].flat().map((one) => [name, one])));
            const at = address.get("at"), part = address.get("part");
            if (at) all.set("at", at);
            // The page of a part is of that part, whatever was chosen before.
            if (part && !all.has("part") && !partOf(path)) all.set("part", part);
            if (all.get("part") === "") all.delete("part");
            const text = all.toString();
            return path + (text ? "?" + text : "");
          },
        };

        /** The part or block that a page is of: `orders`, `cache:products`. */
        function partOf(path) {
          const [, kind, first, second] = path.match(/^\/(parts|blocks)\/([^/]+)(?:\/([^/]+))?$/) ?? [];
          if (kind === "parts") return decodeURIComponent(first);
          return kind === "blocks" && second ? `${decodeURIComponent(first)}:${decodeURIComponent(second)}` : "";
        }

        const pagePart = () => partOf(location.pathname);

        /** The page of a part or a block, by the name that it has in the picture. */
        export function pageOf(id) {
          const [kind, ...rest] = id.split(":");
          return rest.length ? `/blocks/${encodeURIComponent(kind)}/${encodeURIComponent(rest.join(":"))}` : `/parts/${encodeURIComponent(id)}`;
        }

        export function go(path) { window.dispatchEvent(new CustomEvent("go", { detail: path })); }

        /** Draws now, and again and again while the page is open and nobody is asked something. */
        export function again(page, seconds, draw) {
          const timer = setInterval(() => {
            if (!document.hidden && !document.querySelector("dialog")) draw().catch(() => {});
          }, seconds * 1000);
          page.signal.addEventListener("abort", () => clearInterval(timer));
          return draw();
        }

        /** A choice of one of some, whose value is kept in the address. */
        export function choice(name, options, changed, attributes = {}) {
          const value = address.get(name);
          return make("select", { ...attributes, onchange: (event) => { address.set({ [name]: event.target.value }); changed(); } },
            options.map(([key, text]) => make("option", { value: key, selected: key === value }, text)));
        }

        /** The parts and blocks that a list can be narrowed to. */
        export function partChoices(parts, blocks) {
          return [["", "all"], ...[...new Set(parts.map((part) => part.name))].map((name) => [name, name]),
            ...blocks.map((block) => [`${block.kind}:${block.name}`, `${block.name} (${block.kind})`])];
        }

        export const num = (name) => ({ name, num: true });
        /** A column that a narrow window does without. */
        export const wide = (name) => ({ ...(name.num ? name : { name }), isWide: true });
        export const narrow = matchMedia("(max-width: 44rem)");

        /** What passes between parts, as a table. */
        export function arrowTable(arrows) {
          return table(["From", "To", num("Rate"), num("p50"), num("p99"), num("Errors"), num("Retries"), "Times of"],
            arrows.map((arrow) => make("tr", { "data-key": `${arrow.from}>${arrow.to}` }, make("th", { scope: "row" }, arrow.from), make("td", {}, arrow.to),
              make("td", { class: "num" }, show.rate(arrow.rate) + "/s"), make("td", { class: "num" }, show.time(arrow.p50)),
              make("td", { class: "num" }, show.time(arrow.p99)),
              make("td", { class: "num" + (arrow.errors ? " bad" : "") }, show.rate(arrow.errors) + "/s"),
              make("td", { class: "num" + (arrow.retries ? " warn" : "") }, show.rate(arrow.retries) + "/s"),
              make("td", { class: "quiet" }, arrow.of ?? "requests"))));
        }

        export function link(path, text, query) { return make("a", { href: address.link(path, query) }, text); }

        export const mayChange = () => document.body.dataset.change === "yes";

        /** Asks for a reason, and then for the change. */
        export function change(title, path, query = {}, field) {
          if (!mayChange()) return notice("Open the address with the token that up has printed to change something.");
          const reason = make("input", { name: "reason", maxlength: 200, autocomplete: "off", placeholder: "kept in the log" });
          const number = field ? make("input", { type: "number", min: 1, max: 64, value: field.value, required: true }) : null;
          const dialog = make("dialog", { "aria-label": title },
            make("form", { method: "dialog" },
              make("h2", {}, title),
              field ? make("label", {}, field.name, number) : null,
              make("label", {}, "Reason", reason),
              make("menu", {},
                make("button", { value: "no", type: "button", onclick: () => dialog.close("no") }, "Cancel"),
                make("button", { value: "yes" }, title))));
          dialog.addEventListener("close", async () => {
            dialog.remove();
            if (dialog.returnValue !== "yes") return;
            const all = new URLSearchParams(query);
            if (reason.value) all.set("reason", reason.value);
            if (field) all.set(field.query, number.value);
            notice(title + " …");
            try {
              await ask(path + "?" + all, { method: "POST" });
              notice(title + ": done");
            } catch (error) { notice(title + ": " + error.message); }
            window.dispatchEvent(new Event("changed"));
          });
          document.body.append(dialog);
          dialog.showModal();
          (number ?? reason).focus();
        }

        export const colors = ["#2f7ed8", "#12a06a", "#9c4fd6", "#c99700", "#1098ad", "#6b7f2a", "#5b6ee1", "#7a8793"];

        /** A color that a part keeps on every page. */
        export function color(name) {
          let sum = 0;
          for (const letter of name.split("/")[0]) sum = (sum * 31 + letter.codePointAt(0)) >>> 0;
          // The upper bits of a product: the lower ones of this sum are alike for names that end alike.
          return colors[Math.imul(sum, 0x9e3779b1) >>> 29];
        }

        """#
}
