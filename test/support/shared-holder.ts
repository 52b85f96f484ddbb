/** A process of its own that takes slots of a shared cap and holds them until it is killed. */
import { SharedProcess } from "./shared-process.ts";

// A test that ends without a kill leaves nothing behind.
process.on("disconnect", () => process.exit());
const [url = "", name = "", count = ""] = process.argv.slice(2);
const cap = { name, group: "tenant:acme", kind: "gauge", limit: Number(count), windowMs: 0 } as const;
const shared = await SharedProcess.start(url, [cap]);
const reserved = await shared.reserveSurely({ [name]: Number(count) });
process.send!(reserved.kind === "reserved" ? "held" : reserved.kind);
