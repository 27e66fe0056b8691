extension Asset {
    static let pictureScript = #"""
        // The living picture: what works, what passes between, and what is busiest.

        import { address, arrowTable, ask, go, link, make, mayChange, meter, narrow, num, pageOf, show, table } from "/script/kit.js";
        import { morph } from "/script/morph.js";
        import { build } from "/script/drawing.js";

        export async function picturePage(page) {
          const place = make("section", { "aria-label": "The running system" });
          const chosenBar = make("div", {});
          const list = make("div", {});
          const problems = make("div", {});
          const windows = make("select", { "aria-label": "Length of the stretch that is averaged",
            onchange: (event) => { address.set({ window: event.target.value === "5" ? "" : event.target.value }); follow(); } },
            [["5", "last 5 s"], ["15", "last 15 s"], ["60", "last minute"], ["600", "last 10 min"]].map(([value, text]) =>
              make("option", { value, selected: (address.get("window") || "5") === value }, text)));
          page.main.replaceChildren(
            make("div", { class: "bar" }, make("h1", {}, page.facts.system), make("span", { class: "quiet" }, page.facts.summary),
              page.facts.url ? make("a", { href: page.facts.url, target: "_blank", rel: "noopener" }, page.facts.url) : null, windows),
            problems, place, chosenBar, list);
          let view, source, last;

          /** A part that is chosen once narrows everything to it; chosen again it opens its page. */
          function choose(id) {
            const node = last?.nodes.find((one) => one.id === id);
            if (!node || node.kind === "clients") return go(address.link("/traces"));
            if (node.kind === "process") return go(address.link("/parts"));
            if (address.get("part") === id) return go(address.link(pageOf(id)));
            address.set({ part: id });
            window.dispatchEvent(new Event("narrowed"));
            update(last);
          }

          function update(picture) {
            last = picture;
            const chosen = address.get("part");
            const key = `${narrow.matches} ` + picture.nodes.map((node) => node.id + node.members.length).join() + picture.arrows.map((arrow) => arrow.from + arrow.to).join();
            if (view?.key !== key) {
              const focused = view?.svg.contains(document.activeElement) ? document.activeElement.dataset.id : null;
              view = build(picture, key, narrow.matches, choose);
              place.replaceChildren(view.svg, make("p", { class: "quiet hint" },
                "On an arrow: requests a second, then p50 · p99; in italics those of a cache's loads or a store's writes alone. ",
                "Point at an arrow for all of it. Choose a part to narrow every page to it, choose it again for its page."));
              if (focused) place.querySelector(`[data-id="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
            }
            view.update(picture, chosen);
            morph(problems, picture.problems.length
              ? make("section", { class: "problems", role: "alert" }, picture.problems.map((line) => make("div", {}, line))) : "");
            morph(chosenBar, chosen ? bar(chosen) : "");
            morph(list, lists(picture, chosen));
          }

          function bar(id) {
            return make("div", { class: "bar chosen" }, make("strong", {}, id), link(pageOf(id), "Its page"), link("/traces", "Its requests"),
              link("/logs", "Its lines"), link("/explore", "Its metrics"),
              make("button", { onclick: () => { address.set({ part: "" }); window.dispatchEvent(new Event("narrowed")); update(last); }, title: "Key x" }, "Show all"));
          }

          async function follow() {
            source?.close();
            const span = address.get("window") || "5";
            const at = address.get("at");
            update(await ask(`/api/picture?window=${span}` + (at ? `&at=${at}` : ""), { signal: page.signal }));
            if (at) return;
            source = new EventSource(`/api/live?window=${span}`);
            source.addEventListener("picture", (event) => { if (!document.hidden) update(JSON.parse(event.data)); });
          }
          const turned = () => { if (last) update(last); };
          narrow.addEventListener("change", turned);
          window.addEventListener("narrowed", turned);
          page.signal.addEventListener("abort", () => {
            source?.close();
            narrow.removeEventListener("change", turned);
            window.removeEventListener("narrowed", turned);
          });
          await follow();
          performance.mark("picture");
        }

        /** The same in words and numbers. */
        function lists(picture, chosen) {
          const nodes = picture.nodes.filter((node) => node.kind !== "clients" && (!chosen || node.id === chosen))
            .sort((one, other) => (other.utilisation ?? 0) - (one.utilisation ?? 0));
          const arrows = picture.arrows.filter((arrow) => !chosen || arrow.from === chosen || arrow.to === chosen);
          const path = (node) => (node.kind === "process" ? "/parts" : pageOf(node.id));
          return [
            make("section", {}, make("h2", {}, "Busiest first"), table(
              ["Part", "Kind", "In use", num("Waits p99"), num("CPU"), num("Memory"), num("Replicas, shards")],
              nodes.map((node) => make("tr", { "data-key": node.id },
                make("th", { scope: "row" }, link(path(node), node.name)), make("td", {}, node.kind),
                make("td", {}, meter(node.utilisation, node.name), show.share(node.utilisation), node.isBusiest ? make("strong", { class: "warn" }, " busiest") : ""),
                make("td", { class: "num" }, show.time(node.queue)), make("td", { class: "num" }, show.share(node.cpu)),
                make("td", { class: "num" }, show.bytes(node.memory)), make("td", { class: "num" }, node.members.length || "-"))))),
            make("section", {}, make("h2", {}, "What passes"), arrowTable(arrows)),
            mayChange() ? "" : make("p", { class: "quiet" }, "To change something, open the address with the token that up printed."),
          ];
        }

        """#
}
