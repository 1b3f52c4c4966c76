import { Hono } from "hono";
import { getPath } from "hono/utils/url";
import { canonicalPath } from "./aliases.ts";
import { catalogAdmin, classes, spirits, templates, tools } from "./catalog/routes.ts";
import { edge, failureReply, giveContext } from "./edge.ts";
import { health } from "./health.ts";
import type { AppEnv } from "./http.ts";
import { unmatched } from "./methods.ts";

/** The whole API: what every request passes through, then one line a feature. */
export const app = new Hono<AppEnv>({ getPath: (request) => canonicalPath(getPath(request)) });

app.use(edge, giveContext);

app.route("/", health);
app.route("/api/v2/spirits", spirits);
app.route("/api/v2/tools", tools);
app.route("/api/v2/classes", classes);
app.route("/api/v2/templates", templates);
app.route("/api/v2/admin/catalog", catalogAdmin);

app.notFound(unmatched(() => app.routes));
app.onError(failureReply);
