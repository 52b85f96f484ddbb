/** A process of its own that takes slots of an upstream's cap and holds them until it is killed. */
import { SharedAdmission } from "./shared-admission.ts";

// A test that ends without a kill leaves nothing behind.
process.on("disconnect", () => process.exit());
const [redis = "", settings = "", count = ""] = process.argv.slice(2);
const admission = await SharedAdmission.start(redis, settings);
await Promise.all(Array.from({ length: Number(count) }, () => admission.slot()));
process.send!("held");
