extension Asset {
    static let partsScript = #"""
        // Parts with their replicas; caches and stores.

        import { address, ask, change, link, make, mayChange, meter, show, state, table } from "/script/kit.js";

        const num = (name) => ({ name, num: true });

        function again(page, seconds, draw) {
          const timer = setInterval(() => { if (!document.hidden && !document.querySelector("dialog")) draw().catch(() => {}); }, seconds * 1000);
          page.signal.addEventListener("abort", () => clearInterval(timer));
          return draw();
        }

        function query() {
          const at = address.get("at");
          return at ? `?at=${at}` : "";
        }

        function replicaRows(parts) {
          return parts.map((part) => {
            const path = `/api/parts/${encodeURIComponent(part.name)}/${part.replica}`;
            const label = `${part.name}/${part.replica}`;
            const buttons = part.state === "stopped" ? ["start"] : ["restart", "stop"];
            return make("tr", {},
              make("th", { scope: "row" }, link(`/parts/${encodeURIComponent(part.name)}`, label)),
              make("td", {}, part.kind), make("td", { class: "num" }, part.pid ?? ""),
              make("td", {}, state(part.state), part.problems.map((problem) => make("div", {}, make("small", {}, problem)))),
              make("td", { class: "num" }, part.restarts), make("td", { class: "num" }, show.length(part.upSeconds)),
              make("td", { class: "num" }, show.share(part.cpuShare)), make("td", { class: "num" }, show.bytes(part.memoryBytes)),
              make("td", {}, make("code", {}, (part.addresses[0] ?? "").split("/").pop())),
              make("td", {}, mayChange() ? buttons.map((name) => [make("button", {
                "aria-label": `${name} ${label}`, onclick: () => change(`${name} ${label}`, `${path}/${name}`),
              }, name), " "]) : ""));
          });
        }

        const replicaHeads = ["Replica", "Kind", num("Process"), "State", num("Restarts"), num("Up"), num("CPU"), num("Memory"), "Socket", ""];

        export async function partsPage(page) {
          await again(page, 2, async () => {
            const { parts } = await ask("/api/parts", { signal: page.signal });
            const names = [...new Set(parts.map((part) => part.name))];
            page.main.replaceChildren(
              make("h1", {}, "Parts"),
              make("section", {}, table(replicaHeads, replicaRows(parts))),
              make("section", {}, make("h2", {}, "Caches and stores"), table(["Block", "Kind", "Where", "Stock client"],
                page.facts.blocks.map((block) => make("tr", {},
                  make("th", { scope: "row" }, link(`/blocks/${block.kind}/${encodeURIComponent(block.name)}`, block.name)),
                  make("td", {}, block.kind), make("td", {}, make("code", {}, block.place)),
                  make("td", {}, make("code", {}, block.stockClient ?? "")))))),
              mayChange() ? make("p", {}, names.map((name) => [make("button", {
                onclick: () => change(`restart ${name}`, `/api/parts/${encodeURIComponent(name)}/restart`),
              }, `Restart ${name}`), " "])) : make("p", { class: "quiet" }, "To change something, open the address with the token that up printed."));
          });
        }

        export async function partPage(page, name) {
          await again(page, 2, async () => {
            const part = await ask(`/api/parts/${encodeURIComponent(name)}${query()}`, { signal: page.signal });
            const count = part.replicas.length;
            const isService = part.replicas[0]?.kind === "service";
            page.main.replaceChildren(
              make("div", { class: "bar" }, make("h1", {}, name), make("span", { class: "quiet" }, part.replicas[0]?.kind),
                link("/traces", "Requests", { part: name }), link("/logs", "Logs", { part: name }),
                link("/explore", "Metrics", { part: name, metric: "process_cpu_seconds_total", by: "process" }),
                mayChange() && part.replicas[0]?.kind !== "edge" ? make("button", {
                  onclick: () => change(`scale ${name}`, `/api/parts/${encodeURIComponent(name)}/scale`, {}, { name: "Replicas", query: "replicas", value: count }),
                }, "Scale") : null),
              make("section", {}, make("h2", {}, "Replicas"), table(replicaHeads, replicaRows(part.replicas)),
                part.node ? members(part.node) : null),
              make("section", {}, make("h2", {}, isService ? "Methods" : "Routes"), part.rows.length ? table(
                [isService ? "Method" : "Route", num("Rate"), num("p50"), num("p99"), num("Errors")],
                part.rows.map((row) => make("tr", {},
                  make("th", { scope: "row" }, isService ? row.name : link("/explore", row.name, { metric: "http_server_request_duration_seconds", where: `route:${row.name}`, part: name })),
                  make("td", { class: "num" }, show.rate(row.rate) + "/s"), make("td", { class: "num" }, show.time(row.p50)),
                  make("td", { class: "num" }, show.time(row.p99)), make("td", { class: "num" + (row.errors ? " bad" : "") }, show.rate(row.errors) + "/s"))))
                : make("p", { class: "empty" }, "Nothing was asked of it in the last 30 seconds.")),
              arrows(part.arrows));
          });
        }

        function members(node) {
          return table(["Replica", "In use", num("Waits p99"), num("CPU now"), num("Memory"), num("Rate")], node.members.map((member) => make("tr", {},
            make("th", { scope: "row" }, member.name), make("td", {}, meter(member.utilisation, member.name), show.share(member.utilisation)),
            make("td", { class: "num" }, show.time(member.queue)), make("td", { class: "num" }, show.share(member.cpu)),
            make("td", { class: "num" }, show.bytes(member.memory)), make("td", { class: "num" }, show.rate(member.rate) + "/s"))));
        }

        function arrows(list) {
          if (!list.length) return "";
          return make("section", {}, make("h2", {}, "What passes"), table(
            ["From", "To", num("Rate"), num("p50"), num("p99"), num("Errors"), num("Retries"), "Times of"],
            list.map((arrow) => make("tr", {}, make("th", { scope: "row" }, arrow.from), make("td", {}, arrow.to),
              make("td", { class: "num" }, show.rate(arrow.rate) + "/s"), make("td", { class: "num" }, show.time(arrow.p50)),
              make("td", { class: "num" }, show.time(arrow.p99)), make("td", { class: "num" }, show.rate(arrow.errors) + "/s"),
              make("td", { class: "num" }, show.rate(arrow.retries) + "/s"), make("td", { class: "quiet" }, arrow.of ?? "requests")))));
        }

        export async function blockPage(page, kind, name) {
          await again(page, 2, async () => {
            const answer = await ask(`/api/blocks/${encodeURIComponent(kind)}/${encodeURIComponent(name)}${query()}`, { signal: page.signal });
            const heads = [kind === "store" ? "Shard" : "Process", ...(answer.parts[0]?.figures.map((figure) => num(figure.name)) ?? [])];
            page.main.replaceChildren(
              make("div", { class: "bar" }, make("h1", {}, name), make("span", { class: "quiet" }, `${kind}, ${answer.node?.engine ?? ""}`),
                make("code", {}, answer.block.place)),
              make("section", {}, make("dl", { class: "columns" }, answer.figures.map((figure) =>
                make("div", {}, make("dt", {}, figure.name), make("dd", {}, show.unit(figure.value, figure.unit)))))),
              make("section", {}, make("h2", {}, kind === "store" ? "Shards" : "In each process"), answer.parts.length ? table(heads,
                answer.parts.map((part) => make("tr", {}, make("th", { scope: "row" }, part.name),
                  heads.slice(1).map((head) => {
                    const figure = part.figures.find((one) => one.name === head.name);
                    return make("td", { class: "num" }, figure ? show.unit(figure.value, figure.unit) : "-");
                  })))) : make("p", { class: "empty" }, "No process has it open yet.")),
              arrows(answer.arrows),
              kind === "store" ? make("p", {}, link("/logs", "Slow statements and other lines of the store", { text: "store" })) : "",
              answer.block.stockClient ? make("section", {}, make("h2", {}, "Look into it"), make("code", {}, answer.block.stockClient)) : "");
          });
        }

        """#
}
