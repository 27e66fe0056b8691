extension Asset {
    static let drawingScript = #"""
        // The picture as a drawing: made once for what there is, renewed each second with what it does.

        import { draw, go, address, show } from "/script/kit.js";
        import { curve, layOut, middleOf, placeLabels } from "/script/layout.js";

        /** Most arrows that Tab stops at; the table below has them all. */
        const stopsMax = 40;

        export function build(picture, key, isNarrow, choose) {
          const layout = layOut(picture, isNarrow);
          const nodes = new Map(), arrows = new Map();
          let shown = picture, chosen = "", pointed = "", arranged;
          for (const arrow of picture.arrows) {
            const id = arrow.from + ">" + arrow.to;
            if (layout.paths.has(id)) arrows.set(id, drawArrow(arrow, layout.paths.get(id), picture.arrows.length <= stopsMax, (isOn) => detail.show(isOn ? id : "")));
          }
          for (const node of picture.nodes) {
            const point = (isOn) => { pointed = isOn ? node.id : ""; arrange(); };
            nodes.set(node.id, drawNode(node, layout.places.get(node.id), layout.isSmall, choose, point));
          }
          const detail = drawDetail(layout, (id) => shown.arrows.find((arrow) => arrow.from + ">" + arrow.to === id));
          const svg = draw("svg", { class: "picture" + (isNarrow ? " narrow" : ""), viewBox: `0 0 ${layout.width} ${layout.height}`, role: "group", "aria-label": "Parts and what passes between them" },
            draw("defs", {}, draw("marker", { id: "head", viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 9, markerHeight: 9, markerUnits: "userSpaceOnUse", orient: "auto" },
              draw("path", { d: "M0 0 8 4 0 8z", fill: "currentColor" }))),
            [...arrows.values()].map((one) => one.element), [...nodes.values()].map((one) => one.element),
            [...arrows.values()].map((one) => one.label), detail.element);
          svg.style.maxWidth = Math.max(isNarrow ? 0 : 900, layout.width * 1.25) + "px";
          svg.style.minWidth = isNarrow ? "" : Math.min(layout.width * 0.75, 1500) + "px";

          /** Lets stand out what has to do with the part that is pointed at or chosen, and labels that. */
          function arrange() {
            const one = pointed || chosen;
            if (arranged === one) return;
            arranged = one;
            const isNear = (id) => !one || id.startsWith(one + ">") || id.endsWith(">" + one);
            const near = [...arrows.keys()].filter(isNear);
            const known = new Set([one, ...near.flatMap((id) => id.split(">"))]);
            // What has stepped back may be written on.
            const labels = placeLabels(layout, near, (id) => !one || known.has(id));
            for (const [id, node] of nodes) node.element.classList.toggle("dim", Boolean(one) && !known.has(id));
            for (const [id, arrow] of arrows) {
              arrow.element.classList.toggle("dim", !isNear(id));
              arrow.stand(labels.get(id));
            }
          }

          function update(picture, part) {
            shown = picture;
            chosen = nodes.has(part) ? part : "";
            for (const node of picture.nodes) nodes.get(node.id)?.update(node, node.id === chosen);
            for (const arrow of picture.arrows) arrows.get(arrow.from + ">" + arrow.to)?.update(arrow);
            arrange();
            detail.renew();
          }
          return { svg, key, update };
        }

        function pressable(element, action) {
          element.onclick = action;
          element.onkeydown = (event) => {
            if (event.key !== "Enter" && event.key !== " ") return;
            event.preventDefault();
            action(event);
          };
        }

        function pointable(element, tell) {
          element.onpointerenter = () => tell(true);
          element.onpointerleave = () => tell(false);
          element.onfocus = () => { if (element.matches(":focus-visible")) tell(true); };
          element.onblur = () => tell(false);
        }

        function drawNode(node, at, isSmall, choose, point) {
          const isClients = node.kind === "clients", wide = at.width - 24;
          const line = isSmall ? 34 : 66;
          const first = draw("text", { x: 12, y: 42 }), second = draw("text", { class: "sub", x: 12, y: 58 });
          const use = draw("rect", { class: "use", x: 12, y: line, height: 5, rx: 2.5, width: 0 });
          const dots = node.members.slice(0, 16).map((member, index) =>
            draw("circle", { class: "dot", cx: 16 + index * 9, cy: 79, r: 3 }, draw("title", {}, member.name)));
          const most = isSmall ? 15 : 17;
          const name = node.name.length > most ? node.name.slice(0, most - 1) + "…" : node.name;
          const element = draw("g", { class: "node", transform: `translate(${at.x} ${at.y})`, tabindex: 0, role: "button", "data-id": node.id },
            draw("rect", { class: "box", width: at.width, height: at.height, rx: 9 }),
            draw("text", { class: "title", x: 12, y: isClients ? 25 : 22 }, name),
            isClients ? null : [isSmall ? null : draw("text", { class: "sub", x: at.width - 12, y: 21, "text-anchor": "end" }, node.kind),
              draw("rect", { class: "track", x: 12, y: line, height: 5, rx: 2.5, width: wide }), use, isSmall ? null : [first, second, dots]]);
          pressable(element, () => choose(node.id));
          pointable(element, point);
          function update(node, isChosen) {
            const isData = node.kind === "store" || node.kind === "cache";
            const down = isData ? [] : node.members.filter((member) => member.state !== "ready");
            for (const [name, isOn] of [["busiest", node.isBusiest], ["down", down.length > 0], ["chosen", isChosen]]) element.classList.toggle(name, Boolean(isOn));
            if (!isClients) element.setAttribute("aria-pressed", String(isChosen));
            if (isClients) return element.setAttribute("aria-label", "clients: all requests");
            first.textContent = node.kind === "cache" ? `hit ratio ${show.share(node.hitRatio)}`
              : `in use ${show.share(node.utilisation)}` + (node.isBusiest ? " · busiest" : "");
            second.textContent = node.kind === "cache" ? node.engine ?? ""
              : `waits ${show.time(node.queue)}` + (node.cpu !== undefined ? ` · CPU ${show.share(node.cpu)}` : node.engine ? ` · ${node.engine}` : "");
            const share = node.kind === "cache" ? node.hitRatio ?? 0 : node.utilisation ?? 0;
            use.setAttribute("width", Math.max(0, Math.min(1, share)) * wide);
            node.members.slice(0, 16).forEach((member, index) =>
              dots[index]?.setAttribute("class", "dot" + (member.state === "ready" || isData ? "" : " off")));
            element.setAttribute("aria-label", `${node.kind} ${node.name}, ${first.textContent}, ${second.textContent}` + (down.length ? `, ${down.length} not ready` : ""));
          }
          return { element, update };
        }

        const troubles = (arrow) => [arrow.errors > 0 ? `${show.rate(arrow.errors)} errors/s` : "", arrow.retries > 0 ? `${show.rate(arrow.retries)} retries/s` : ""].filter(Boolean);

        /** Two times with their unit once where it is the same. */
        function pair(one, other) {
          const [first, second] = [show.time(one), show.time(other)];
          const [, unit] = first.split(" ");
          return `${unit && second.endsWith(" " + unit) ? first.split(" ")[0] : first} · ${second}`;
        }

        function drawArrow(arrow, path, isStop, point) {
          const line = draw("path", { d: curve(path), "marker-end": "url(#head)" });
          // A broad one that cannot be seen, so that a thin arrow can be pointed at.
          const element = draw("g", { class: "arrow", tabindex: isStop ? 0 : -1, role: "link" }, draw("path", { class: "reach", d: curve(path) }), line);
          const texts = [draw("text", { y: -3 }), draw("text", { class: arrow.of ? "sub some" : "sub", y: 13 }), draw("text", { class: "trouble", y: 27 })];
          const label = draw("g", { class: "arrow label", "aria-hidden": "true" }, texts);
          const act = () => go(address.link("/traces", { part: arrow.to.includes(":") ? arrow.from : arrow.to }));
          pressable(element, act);
          pointable(element, point);
          label.onclick = act;
          label.onpointerenter = element.onpointerenter;
          label.onpointerleave = element.onpointerleave;

          /** Puts the label where there is room for it, or nowhere. */
          function stand(spot) {
            label.classList.toggle("gone", !spot);
            label.classList.toggle("short", Boolean(spot?.isShort));
            texts[0].setAttribute("y", spot?.isShort ? 4 : -3);
            if (spot) label.setAttribute("transform", `translate(${spot.at[0].toFixed(1)} ${spot.at[1].toFixed(1)})`);
          }

          function update(arrow) {
            const trouble = troubles(arrow);
            texts[0].textContent = `${show.rate(arrow.rate)}/s`;
            texts[1].textContent = arrow.p99 === undefined ? "" : pair(arrow.p50, arrow.p99);
            texts[2].textContent = trouble.join(" ");
            line.setAttribute("stroke-width", 1 + Math.min(6, Math.log10(1 + arrow.rate) * 1.6));
            for (const part of [element, label]) {
              part.classList.toggle("troubled", trouble.length > 0);
              part.classList.toggle("idle", arrow.rate === 0);
            }
            element.setAttribute("aria-label", `${arrow.from} to ${arrow.to}: ${words(arrow).join(", ")}`);
          }
          return { element, label, stand, update };
        }

        /** All that is known of what passes. */
        function words(arrow) {
          const times = arrow.p99 === undefined ? [] : [`p50 ${show.time(arrow.p50)}`, `p99 ${show.time(arrow.p99)}${arrow.of ? ` of ${arrow.of}` : ""}`];
          return [`${show.rate(arrow.rate)}/s`, ...times, ...troubles(arrow)];
        }

        /** What is said of the arrow that is pointed at, beside it. */
        function drawDetail(layout, find) {
          const back = draw("rect", { class: "box", rx: 7 });
          const lines = Array.from({ length: 5 }, (_, index) => draw("text", { class: index ? "" : "title", x: 10, y: 20 + index * 16 }));
          const element = draw("g", { class: "detail gone", "aria-hidden": "true" }, back, lines);
          let id = "";
          function renew() {
            const arrow = id && find(id);
            element.classList.toggle("gone", !arrow);
            if (!arrow) return;
            const said = [`${arrow.from} → ${arrow.to}`, ...words(arrow)].slice(0, lines.length);
            lines.forEach((line, index) => { line.textContent = said[index] ?? ""; });
            const width = Math.max(...said.map((text) => text.length)) * 6.6 + 24, height = said.length * 16 + 12;
            back.setAttribute("width", width);
            back.setAttribute("height", height);
            const [x, y] = middleOf(layout, id);
            const left = Math.min(Math.max(4, x + 14), layout.width - width - 4), top = y + 20 + height > layout.height ? y - height - 20 : y + 20;
            element.setAttribute("transform", `translate(${left} ${Math.max(2, top)})`);
          }
          return { element, renew, show: (one) => { id = one; renew(); } };
        }

        """#
}
