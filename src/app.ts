import { Hono } from "hono";
import { getPath } from "hono/utils/url";
import { canonicalPath } from "./aliases.ts";
import { admin } from "./auth/admin-routes.ts";
import { departure } from "./auth/erasure-routes.ts";
import { auth } from "./auth/routes.ts";
import { apiKeys, me, sessions } from "./auth/self-routes.ts";
import { social } from "./auth/social-routes.ts";
import { grantsAdmin, spiritAccess } from "./billing/routes.ts";
import { catalogAdmin, classes, spirits, templates, tools } from "./catalog/routes.ts";
import { edge, failureReply, giveContext } from "./edge.ts";
import { hooks } from "./hooks.ts";
import { health } from "./health.ts";
import type { AppEnv } from "./http.ts";
import { handlers } from "./jobs.ts";
import { failedJobsAdmin } from "./jobs/routes.ts";
import { limitStrangers } from "./limits/middleware.ts";
import { unmatched } from "./methods.ts";
import { loadouts } from "./minions/loadout-routes.ts";
import { experienceAdmin, myProgression, progression } from "./minions/progression-routes.ts";
import { avatars, minions } from "./minions/routes.ts";
import { myHub, notifications, socketTickets } from "./notifications/routes.ts";

/** The whole API: what every request passes through, then one line a feature. */
export const app = new Hono<AppEnv>({ getPath: (request) => canonicalPath(getPath(request)) });

app.use(edge, giveContext(hooks), limitStrangers);

app.route("/", health);
app.route("/api/auth", auth);
app.route("/api/auth", social);
app.route("/api/v2/me", me);
app.route("/api/v2/me", departure);
app.route("/api/v2/me", myHub);
app.route("/api/v2/notifications", notifications);
app.route("/api/v2/socket-tickets", socketTickets);
app.route("/api/v2/sessions", sessions);
app.route("/api/v2/api-keys", apiKeys);
app.route("/api/v2/admin", admin);
app.route("/api/v2/admin/users", grantsAdmin);
app.route("/api/v2/admin/jobs", failedJobsAdmin(handlers.map(({ job }) => job)));
app.route("/api/v2/spirits", spiritAccess);
app.route("/api/v2/spirits", spirits);
app.route("/api/v2/tools", tools);
app.route("/api/v2/classes", classes);
app.route("/api/v2/templates", templates);
app.route("/api/v2/admin/catalog", catalogAdmin);
app.route("/api/v2/minions", progression);
app.route("/api/v2/minions", minions);
app.route("/api/v2/minions", loadouts);
app.route("/api/v2/avatars", avatars);
app.route("/api/v2/me", myProgression);
app.route("/api/v2/admin/minions", experienceAdmin);

app.notFound(unmatched(() => app.routes));
app.onError(failureReply);
