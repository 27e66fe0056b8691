extension Asset {
    static let partsScript = #"""
        // Parts with their replicas, and what each does.

        import { address, again, arrowTable, ask, change, link, make, mayChange, meter, num, pageOf, show, state, table, wide } from "/script/kit.js";
        import { paint } from "/script/morph.js";
        export { blockPage } from "/script/blocks.js";

        /** Replicas with what can be done to them; of one part also with what each does now. */
        function replicas(parts, node) {
          const doing = new Map((node?.members ?? []).map((member) => [member.name, member]));
          const heads = ["Replica", "State", ...(node ? ["In use", num("Waits p99"), num("Rate"), num("CPU now")] : [wide("Kind"), num("CPU")]),
            num("Memory"), num("Restarts"), wide(num("Up")), wide(num("Process")), wide("Socket"), make("span", { class: "hidden" }, "Change")];
          return table(heads, parts.map((part) => {
            const path = `/api/parts/${encodeURIComponent(part.name)}/${part.replica}`;
            const label = `${part.name}/${part.replica}`;
            const member = doing.get(label) ?? {};
            const buttons = part.state === "stopped" ? ["start"] : ["restart", "stop", "kill"];
            return make("tr", { "data-key": label },
              make("th", { scope: "row" }, node ? label : link(pageOf(part.name), label)),
              make("td", {}, state(part.state), part.problems.map((problem) => make("div", {}, make("small", {}, problem)))),
              node ? [make("td", {}, meter(member.utilisation, label), show.share(member.utilisation)), make("td", { class: "num" }, show.time(member.queue)),
                make("td", { class: "num" }, show.rate(member.rate) + "/s"), make("td", { class: "num" }, show.share(member.cpu))]
                : [make("td", { class: "wide-only" }, part.kind), make("td", { class: "num" }, show.share(part.cpuShare))],
              make("td", { class: "num" }, show.bytes(part.memoryBytes)), make("td", { class: "num" }, part.restarts),
              make("td", { class: "num wide-only" }, show.length(part.upSeconds)), make("td", { class: "num wide-only" }, part.pid ?? ""),
              make("td", { class: "wide-only" }, make("code", {}, (part.addresses[0] ?? "").split("/").pop())),
              make("td", { class: "nowrap" }, mayChange() ? buttons.map((name) => [make("button", {
                "data-key": name, "aria-label": `${name} ${label}`, onclick: () => change(`${name} ${label}`, `${path}/${name}`),
              }, name), " "]) : ""));
          }));
        }

        export async function partsPage(page) {
          await again(page, 2, async () => {
            const { parts } = await ask("/api/parts", { signal: page.signal });
            const names = [...new Set(parts.map((part) => part.name))];
            const chosen = address.get("part");
            paint(page,
              make("h1", {}, "Parts"),
              make("section", {}, replicas(parts.filter((part) => !names.includes(chosen) || part.name === chosen))),
              make("section", {}, make("h2", {}, "Caches and stores"), table(["Block", "Kind", "Where", "Stock client"],
                page.facts.blocks.map((block) => make("tr", { "data-key": `${block.kind}:${block.name}` },
                  make("th", { scope: "row" }, link(pageOf(`${block.kind}:${block.name}`), block.name)),
                  make("td", {}, block.kind), make("td", {}, make("code", {}, block.place)),
                  make("td", {}, make("code", {}, block.stockClient ?? "")))))),
              mayChange() ? make("p", { class: "bar" }, names.map((name) => make("button", {
                "data-key": name, onclick: () => change(`restart ${name}`, `/api/parts/${encodeURIComponent(name)}/restart`),
              }, `Restart ${name}`))) : make("p", { class: "quiet" }, "To change something, open the address with the token that up printed."));
          });
        }

        export async function partPage(page, name) {
          await again(page, 2, async () => {
            const at = address.get("at");
            const part = await ask(`/api/parts/${encodeURIComponent(name)}${at ? `?at=${at}` : ""}`, { signal: page.signal });
            const count = part.replicas.length, kind = part.replicas[0]?.kind;
            const isService = kind === "service";
            const metric = isService ? "apus_rpc_server_duration_seconds" : "http_server_request_duration_seconds";
            const where = (row) => isService ? [`service:${row.name.split(".")[0]}`, `method:${row.name.split(".").slice(1).join(".")}`] : [`route:${row.name}`];
            paint(page,
              make("div", { class: "bar" }, make("h1", {}, name), make("span", { class: "quiet" }, kind),
                link("/traces", "Requests"), link("/logs", "Logs"),
                link("/explore", "Metrics", { metric: "process_cpu_seconds_total", by: "process" }),
                mayChange() && kind !== "edge" ? make("button", {
                  onclick: () => change(`scale ${name}`, `/api/parts/${encodeURIComponent(name)}/scale`, {}, { name: "Replicas", query: "replicas", value: count }),
                }, "Scale") : null),
              make("section", {}, make("h2", {}, "Replicas"), replicas(part.replicas, part.node)),
              make("section", {}, make("h2", {}, isService ? "Methods" : "Routes"), part.rows.length ? table(
                [isService ? "Method" : "Route", num("Rate"), num("p50"), num("p99"), num("Errors")],
                part.rows.map((row) => make("tr", { "data-key": row.name },
                  make("th", { scope: "row" }, link("/explore", row.name, { metric, where: where(row) })),
                  make("td", { class: "num" }, show.rate(row.rate) + "/s"), make("td", { class: "num" }, show.time(row.p50)),
                  make("td", { class: "num" }, show.time(row.p99)), make("td", { class: "num" + (row.errors ? " bad" : "") }, show.rate(row.errors) + "/s"))))
                : make("p", { class: "empty" }, "Nothing was asked of it in the last 30 seconds.")),
              part.arrows.length ? make("section", {}, make("h2", {}, "What passes"), arrowTable(part.arrows)) : "");
          });
        }

        """#
}
