extension Asset {
    static let pictureScript = #"""
        // The living picture: what works, what passes between, and what is busiest.

        import { address, ask, draw, make, mayChange, meter, show, table } from "/script/kit.js";

        const columns = { clients: 0, edge: 1, web: 2, service: 3, process: 3.5, cache: 4, store: 4 };
        const size = { width: 186, gap: 132, row: 24 };

        export async function picturePage(page) {
          const place = make("section", { "aria-label": "The running system" });
          const list = make("div", {});
          const problems = make("div", {});
          const windows = make("select", { "aria-label": "Length of the stretch that is averaged",
            onchange: (event) => { address.set({ window: event.target.value === "5" ? "" : event.target.value }); follow(); } },
            [["5", "last 5 s"], ["15", "last 15 s"], ["60", "last minute"], ["600", "last 10 min"]].map(([value, text]) =>
              make("option", { value, selected: (address.get("window") || "5") === value }, text)));
          const focusing = make("button", { onclick: () => focus("") }, "Show all");
          page.main.replaceChildren(
            make("div", { class: "bar" }, make("h1", {}, page.facts.system), make("span", { class: "quiet" }, page.facts.summary),
              page.facts.url ? make("a", { href: page.facts.url, target: "_blank", rel: "noopener" }, page.facts.url) : null,
              windows, focusing),
            problems, place, list);
          let view, source, last;

          function focus(id) {
            address.set({ part: id });
            if (last) update(last);
          }

          function update(picture) {
            last = picture;
            const chosen = address.get("part");
            focusing.hidden = !chosen;
            const key = picture.nodes.map((node) => node.id + node.members.length).join() + picture.arrows.map((arrow) => arrow.from + arrow.to).join();
            if (!view || view.key !== key) {
              view = build(picture, key, focus);
              place.replaceChildren(view.svg);
            }
            view.update(picture, chosen);
            problems.replaceChildren(picture.problems.length
              ? make("section", { class: "problems", role: "alert" }, picture.problems.map((line) => make("div", {}, line))) : "");
            list.replaceChildren(...lists(picture, chosen));
          }

          async function follow() {
            source?.close();
            const span = address.get("window") || "5";
            const at = address.get("at");
            if (at) return update(await ask(`/api/picture?window=${span}&at=${at}`, { signal: page.signal }));
            update(await ask(`/api/picture?window=${span}`, { signal: page.signal }));
            source = new EventSource(`/api/live?window=${span}`);
            source.addEventListener("picture", (event) => { if (!document.hidden) update(JSON.parse(event.data)); });
          }
          page.signal.addEventListener("abort", () => source?.close());
          await follow();
        }

        function place(nodes) {
          const stacks = new Map();
          for (const node of nodes) {
            const column = columns[node.kind] ?? 3;
            if (!stacks.has(column)) stacks.set(column, []);
            stacks.get(column).push(node);
          }
          // A long stack becomes several columns, so that a hundred parts still fit a screen or two.
          for (const [column, stack] of [...stacks]) {
            const columnsWanted = Math.ceil(stack.length / 14);
            const each = Math.ceil(stack.length / columnsWanted);
            for (let index = 1; index < columnsWanted; index += 1) {
              stacks.set(column + index / 100, stack.slice(index * each, (index + 1) * each));
            }
            stacks.set(column, stack.slice(0, each));
          }
          const used = [...stacks.keys()].sort((one, other) => one - other);
          const places = new Map();
          const heights = used.map((column) => stacks.get(column).reduce((sum, node) => sum + height(node) + size.row, -size.row));
          const tallest = Math.max(...heights, 160);
          used.forEach((column, index) => {
            let top = 34 + (tallest - heights[index]) / 2;
            for (const node of stacks.get(column)) {
              places.set(node.id, { x: 12 + index * (size.width + size.gap), y: top, height: height(node) });
              top += height(node) + size.row;
            }
          });
          return { places, width: 24 + used.length * (size.width + size.gap) - size.gap, height: tallest + 56 };
        }

        function height(node) { return node.kind === "clients" ? 46 : 88; }

        function build(picture, key, focus) {
          const layout = place(picture.nodes);
          const nodes = new Map(), arrows = new Map();
          const ends = new Map();
          for (const arrow of picture.arrows) ends.set(arrow.from, (ends.get(arrow.from) ?? 0) + 1);
          const seen = new Map(), taken = [];
          const drawnArrows = picture.arrows.filter((arrow) => layout.places.has(arrow.from) && layout.places.has(arrow.to)).map((arrow) => {
            const index = seen.get(arrow.from) ?? 0;
            seen.set(arrow.from, index + 1);
            const made = drawArrow(arrow, layout.places.get(arrow.from), layout.places.get(arrow.to), index, ends.get(arrow.from), taken);
            arrows.set(arrow.from + ">" + arrow.to, made);
            return made.element;
          });
          const drawnNodes = picture.nodes.map((node) => {
            const made = drawNode(node, layout.places.get(node.id), focus);
            nodes.set(node.id, made);
            return made.element;
          });
          const svg = draw("svg", { class: "picture", viewBox: `0 0 ${layout.width} ${layout.height}`, role: "group", "aria-label": "Parts and what passes between them" },
            draw("defs", {}, draw("marker", { id: "head", viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 9, markerHeight: 9, markerUnits: "userSpaceOnUse", orient: "auto" },
              draw("path", { d: "M0 0 8 4 0 8z", fill: "currentColor" }))),
            drawnArrows, drawnNodes, drawnArrows.map((element) => element.label));
          svg.style.maxWidth = Math.max(900, layout.width * 1.25) + "px";
          function update(picture, chosen) {
            const near = new Set([chosen]);
            for (const arrow of picture.arrows) {
              if (arrow.from === chosen) near.add(arrow.to);
              if (arrow.to === chosen) near.add(arrow.from);
            }
            for (const node of picture.nodes) nodes.get(node.id)?.update(node, chosen && !near.has(node.id));
            for (const arrow of picture.arrows) arrows.get(arrow.from + ">" + arrow.to)?.update(arrow, chosen && arrow.from !== chosen && arrow.to !== chosen);
          }
          return { svg, key, update };
        }

        function pressable(element, action) {
          element.addEventListener("click", action);
          element.addEventListener("keydown", (event) => {
            if (event.key !== "Enter" && event.key !== " ") return;
            event.preventDefault();
            action(event);
          });
        }

        export function pageOf(node) {
          if (node.kind === "cache" || node.kind === "store") return `/blocks/${node.kind}/${encodeURIComponent(node.name)}`;
          if (node.kind === "clients") return "/traces";
          return node.kind === "process" ? "/parts" : `/parts/${encodeURIComponent(node.name)}`;
        }

        function drawNode(node, at, focus) {
          const title = draw("text", { class: "title", x: 12, y: 22 }, node.name);
          const kind = draw("text", { class: "sub", x: size.width - 12, y: 21, "text-anchor": "end" }, node.kind);
          const first = draw("text", { x: 12, y: 42 }), second = draw("text", { class: "sub", x: 12, y: 58 });
          const use = draw("rect", { class: "use", x: 12, y: 66, height: 5, rx: 2.5, width: 0 });
          const dots = node.members.slice(0, 20).map((member, index) =>
            draw("circle", { class: "dot", cx: 16 + index * 9, cy: 79, r: 3 }, draw("title", {}, member.name)));
          const isSmall = node.kind === "clients";
          const element = draw("g", { class: "node", transform: `translate(${at.x} ${at.y})`, tabindex: 0, role: "link" },
            draw("rect", { class: "box", width: size.width, height: at.height, rx: 9 }), title, isSmall ? null : kind,
            isSmall ? null : [first, second, draw("rect", { class: "track", x: 12, y: 66, height: 5, rx: 2.5, width: size.width - 24 }), use, dots]);
          pressable(element, (event) => {
            if (event.shiftKey) focus(node.id);
            else window.dispatchEvent(new CustomEvent("go", { detail: address.link(pageOf(node)) }));
          });
          element.addEventListener("contextmenu", (event) => { event.preventDefault(); focus(node.id); });
          function update(node, isDim) {
            const down = node.members.filter((member) => !["ready", "waiting"].includes(member.state) || (node.kind !== "store" && member.state !== "ready"));
            element.setAttribute("class", "node" + (node.isBusiest ? " busiest" : "") + (down.length && node.kind !== "store" ? " down" : "") + (isDim ? " dim" : ""));
            if (isSmall) { element.setAttribute("aria-label", "clients"); return; }
            first.textContent = node.kind === "cache" ? `hit ratio ${show.share(node.hitRatio)}`
              : `in use ${show.share(node.utilisation)}` + (node.isBusiest ? " · busiest" : "");
            second.textContent = node.kind === "cache" ? node.engine ?? ""
              : `waits ${show.time(node.queue)}` + (node.cpu !== undefined ? ` · CPU ${show.share(node.cpu)}` : node.engine ? ` · ${node.engine}` : "");
            const share = node.kind === "cache" ? node.hitRatio ?? 0 : node.utilisation ?? 0;
            use.setAttribute("width", Math.max(0, Math.min(1, share)) * (size.width - 24));
            node.members.slice(0, 20).forEach((member, index) => {
              dots[index]?.setAttribute("class", "dot" + (member.state === "ready" || node.kind === "store" ? "" : " off"));
            });
            element.setAttribute("aria-label", `${node.kind} ${node.name}, ${first.textContent}, ${second.textContent}` + (down.length ? `, ${down.length} not ready` : ""));
          }
          return { element, update };
        }

        function drawArrow(arrow, from, to, index, count, taken) {
          const spread = count > 1 ? (index / (count - 1) - 0.5) * Math.min(50, count * 12) : 0;
          const isSame = from.x === to.x;
          const begin = { x: from.x + size.width, y: from.y + from.height / 2 + spread };
          const end = { x: isSame ? to.x + size.width : to.x - 2, y: to.y + to.height / 2 + spread / 3 };
          const bend = isSame ? 70 : Math.max(40, (end.x - begin.x) / 2);
          const bent = isSame ? end.x + bend : end.x - bend;
          const path = draw("path", { d: `M${begin.x} ${begin.y}C${begin.x + bend} ${begin.y} ${bent} ${end.y} ${end.x} ${end.y}`, "marker-end": "url(#head)" });
          // A label stands where no other does: in the middle of the arrow, or as near to it as there is room.
          const at = (share) => [curve(begin.x, begin.x + bend, bent, end.x, share), curve(begin.y, begin.y, end.y, end.y, share)];
          const isFree = ([x, y]) => taken.every(([otherX, otherY]) => Math.abs(x - otherX) > 118 || Math.abs(y - otherY) > 42);
          const shares = [0.5, 0.42, 0.58, 0.34, 0.66, 0.26, 0.74, 0.18, 0.82];
          const [point, line] = shares.map(at).find(isFree) ?? at(0.5);
          taken.push([point, line]);
          const texts = [draw("text", { x: point, y: line - 8 }), draw("text", { class: "sub", x: point, y: line + 16 }), draw("text", { class: "trouble", x: point, y: line + 30 })];
          const label = draw("g", { class: "arrow" }, texts);
          const element = draw("g", { class: "arrow", tabindex: 0, role: "link" }, path);
          element.label = label;
          const act = () => window.dispatchEvent(new CustomEvent("go", { detail: address.link("/traces", { part: arrow.to.includes(":") ? arrow.from : arrow.to }) }));
          pressable(element, act);
          label.addEventListener("click", act);
          function update(arrow, isDim) {
            const troubles = [arrow.errors > 0 ? `${show.rate(arrow.errors)} errors/s` : "", arrow.retries > 0 ? `${show.rate(arrow.retries)} retries/s` : ""].filter(Boolean);
            texts[0].textContent = `${show.rate(arrow.rate)}/s`;
            texts[1].textContent = arrow.p99 === undefined ? "" : `${show.time(arrow.p50)} · ${show.time(arrow.p99)}` + (arrow.of ? ` ${arrow.of}` : "");
            texts[2].textContent = troubles.join(" ");
            path.setAttribute("stroke-width", 1 + Math.min(6, Math.log10(1 + arrow.rate) * 1.6));
            const kind = (arrow.errors > 0 ? " trouble" : "") + (arrow.rate === 0 ? " idle" : "") + (isDim ? " dim" : "");
            element.setAttribute("class", "arrow" + kind);
            label.setAttribute("class", "arrow" + (isDim ? " dim" : ""));
            element.setAttribute("aria-label", `${arrow.from} to ${arrow.to}: ${texts.map((text) => text.textContent).filter(Boolean).join(", ")}`);
          }
          return { element, update };
        }

        function curve(a, b, c, d, t) {
          const s = 1 - t;
          return a * s * s * s + 3 * b * s * s * t + 3 * c * s * t * t + d * t * t * t;
        }

        /** The same in words and numbers. */
        function lists(picture, chosen) {
          const nodes = picture.nodes.filter((node) => node.kind !== "clients" && (!chosen || node.id === chosen))
            .sort((one, other) => (other.utilisation ?? 0) - (one.utilisation ?? 0));
          const arrows = picture.arrows.filter((arrow) => !chosen || arrow.from === chosen || arrow.to === chosen);
          const num = (name) => ({ name, num: true });
          return [
            make("section", {}, make("h2", {}, "Busiest first"), table(
              ["Part", "Kind", "In use", num("Waits p99"), num("CPU"), num("Memory"), num("Replicas, shards")],
              nodes.map((node) => make("tr", {},
                make("th", { scope: "row" }, make("a", { href: address.link(pageOf(node)) }, node.name)), make("td", {}, node.kind),
                make("td", {}, meter(node.utilisation, node.name), show.share(node.utilisation), node.isBusiest ? make("strong", { class: "warn" }, " busiest") : ""),
                make("td", { class: "num" }, show.time(node.queue)), make("td", { class: "num" }, show.share(node.cpu)),
                make("td", { class: "num" }, show.bytes(node.memory)), make("td", { class: "num" }, node.members.length || "-"))))),
            make("section", {}, make("h2", {}, "What passes"), table(
              ["From", "To", num("Rate"), num("p50"), num("p99"), num("Errors"), num("Retries"), "Times of"],
              arrows.map((arrow) => make("tr", {}, make("th", { scope: "row" }, arrow.from), make("td", {}, arrow.to),
                make("td", { class: "num" }, show.rate(arrow.rate) + "/s"), make("td", { class: "num" }, show.time(arrow.p50)),
                make("td", { class: "num" }, show.time(arrow.p99)),
                make("td", { class: "num" + (arrow.errors ? " bad" : "") }, show.rate(arrow.errors) + "/s"),
                make("td", { class: "num" + (arrow.retries ? " warn" : "") }, show.rate(arrow.retries) + "/s"),
                make("td", { class: "quiet" }, arrow.of ?? "requests"))))),
            mayChange() ? "" : make("p", { class: "quiet" }, "To change something, open the address with the token that up printed."),
          ];
        }

        """#
}
