extension Asset {
    static let blocksScript = #"""
        // A cache or a store: what it does, its hot keys, its slow statements, its rows.

        import { address, again, arrowTable, ask, link, make, meter, notice, num, show, table } from "/script/kit.js";
        import { paint } from "/script/morph.js";

        export async function blockPage(page, kind, name) {
          const path = `/api/blocks/${encodeURIComponent(kind)}/${encodeURIComponent(name)}`;
          const isStore = kind === "store";
          let rows = null, isCounting = false;
          const draw = async () => {
            const at = address.get("at");
            const answer = await ask(path + (at ? `?at=${at}` : ""), { signal: page.signal });
            paint(page,
              make("div", { class: "bar" }, make("h1", {}, name), make("span", { class: "quiet" }, `${kind}, ${answer.node?.engine ?? ""}`),
                make("code", {}, answer.block.place), link("/traces", "Requests of its users"), link("/logs", "Their lines"), link("/explore", "Metrics")),
              make("section", {}, make("dl", { class: "columns" }, answer.figures.map((figure) =>
                make("div", {}, make("dt", {}, figure.name), make("dd", {}, show.unit(figure.value, figure.unit)))))),
              answer.resharding ? resharding(answer.resharding, name) : "",
              kind === "cache" ? hotKeys(answer, at) : "",
              make("section", {}, make("h2", {}, isStore ? "Shards" : "In each process"), answer.parts.length ? parts(answer.parts, isStore)
                : make("p", { class: "empty" }, isStore ? "No process has it open yet." : "No process has used it yet.")),
              isStore ? rowCounts(answer) : "",
              isStore ? slowStatements(answer, at) : "",
              answer.arrows.length ? make("section", {}, make("h2", {}, "What passes"), arrowTable(answer.arrows)) : "",
              answer.block.stockClient ? make("section", {}, make("h2", {}, "Look into it"), make("code", {}, answer.block.stockClient)) : "");
          };

          function rowCounts() {
            const button = make("button", { disabled: isCounting, onclick: count }, isCounting ? "Counting …" : rows ? "Count again" : "Count the rows");
            if (!rows) return make("section", {}, make("h2", {}, "Rows"), make("p", { class: "bar" }, button, make("span", { class: "quiet" }, "Counting reads every shard on a thread of its own, for a few seconds at most.")));
            const sum = (list) => list.reduce((all, one) => all + (one ?? 0), 0);
            return make("section", {}, make("h2", {}, "Rows"), table(["Table", ...rows.shards.map((shard) => num(`Shard ${shard}`)), num("All")],
              rows.tables.map((one) => make("tr", { "data-key": one.name }, make("th", { scope: "row" }, one.name),
                one.rows.map((rows) => make("td", { class: "num" }, rows === null || rows === undefined ? "-" : rows.toLocaleString())),
                make("td", { class: "num" }, sum(one.rows).toLocaleString())))),
              make("p", { class: "bar" }, button, make("span", { class: "quiet" }, `Counted at ${show.clock(rows.time)}. `,
                rows.isComplete ? "" : "The time was up before all was counted: a dash was not.")));
          }

          async function count() {
            isCounting = true;
            draw().catch(() => {});
            try { rows = await ask(path + "/rows", { signal: page.signal }); } catch (error) { notice(error.message); }
            isCounting = false;
            draw().catch(() => {});
          }
          await again(page, 2, draw);
        }

        /** Shards or processes: beside each other while there are few, else one below the other. */
        function parts(list, isStore) {
          const names = [...new Set(list.flatMap((part) => part.figures.map((figure) => figure.name)))];
          const text = (part, name) => {
            const figure = part.figures.find((one) => one.name === name);
            return make("td", { class: "num" }, figure ? show.unit(figure.value, figure.unit) : "-");
          };
          if (list.length <= 8) {
            return table([make("span", { class: "hidden" }, "Figure"), ...list.map((part) => num(isStore ? `Shard ${part.name}` : part.name))], names.map((name) =>
              make("tr", { "data-key": name }, make("th", { scope: "row" }, name), list.map((part) => text(part, name)))));
          }
          return table([isStore ? "Shard" : "Process", ...names.map(num)], list.map((part) =>
            make("tr", { "data-key": part.name }, make("th", { scope: "row" }, part.name), names.map((name) => text(part, name)))));
        }

        /** Rows that move between shards while the store serves. */
        function resharding(move, name) {
          const share = move.slotsInAll ? move.slots / move.slotsInAll : 1;
          const what = move.isBack ? "The way back" : `On the way to ${move.shards} shards`;
          return make("section", {}, make("h2", {}, "Resharding"),
            make("p", { class: "bar" }, meter(share, `slots of ${name} moved`, true), make("span", {}, `${show.share(share)}: ${move.slots} of ${move.slotsInAll} slots moved`)),
            make("p", { class: "quiet" }, `${what}, begun at ${show.clock(move.begunAt)}. `, move.isDone ? ["Done: ", make("code", {}, "store reshard --finish"), " keeps it, ", make("code", {}, "--back"), " undoes it."]
              : ["Where it stands still, ", make("code", {}, "store reshard --continue"), " goes on."]));
        }

        const past = () => make("p", { class: "empty" }, "This is known of now alone: come back to now to see it.");

        function hotKeys(answer, at) {
          const most = Math.max(...answer.hotKeys.map((one) => one.share), 1e-9);
          return make("section", {}, make("h2", {}, "Hot keys"), at ? past() : answer.hotKeys.length ? [
            table(["Key", "Share of all look-ups", num("Look-ups"), num("At most less")], answer.hotKeys.map((one) => make("tr", { "data-key": one.key },
              make("th", { scope: "row" }, make("code", {}, one.key)), make("td", {}, meter(one.share / most, one.key, true), show.share(one.share)),
              make("td", { class: "num" }, show.rate(one.rate) + "/s"), make("td", { class: "num quiet" }, show.share(one.error))))),
            make("p", { class: "quiet" }, `Of the last half minute or so, from ${answer.samples.toLocaleString()} look-ups: about one in 64 is looked at.`),
          ] : make("p", { class: "empty" }, "Too few look-ups were seen to name a key: about one in 64 is looked at."));
        }

        function slowStatements(answer, at) {
          return make("section", {}, make("h2", {}, "Slow statements"), at ? past() : answer.slow.length ? [
            table(["Statement", num("Times"), num("Mean"), num("Longest"), "Last", "Shards", "By"], answer.slow.map((one) => make("tr", { "data-key": one.text },
              make("th", { scope: "row" }, make("code", {}, one.text)), make("td", { class: "num" }, one.count), make("td", { class: "num" }, show.time(one.mean)),
              make("td", { class: "num" }, show.time(one.longest)), make("td", {}, show.clock(one.last)), make("td", {}, one.shards.join(" ")), make("td", { class: "quiet" }, one.processes.join(" "))))),
            make("p", { class: "quiet" }, `Writes and scans that ran for more than ${show.time(answer.slowAfter)} since their process began; values are never kept.`),
          ] : make("p", { class: "empty" }, `No statement ran for more than ${show.time(answer.slowAfter)} since the processes began.`));
        }

        """#
}
