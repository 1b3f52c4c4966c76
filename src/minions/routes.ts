import { Hono } from "hono";
import * as z from "zod";
import { requirePermission } from "../auth/middleware.ts";
import { requireUserId } from "../auth/current-user.ts";
import { catalogErrors } from "../catalog/errors.ts";
import { route, type AppEnv } from "../http/route.ts";
import { imageTypes } from "../kit/storage/image-type.ts";
import { Id, IdParam, IntegerParam } from "../kit/http/zod-schemas.ts";
import { maxPictureBytes, pictureName, readPicture } from "../kit/storage/avatars.ts";
import { putAvatar, replaceAvatar } from "./avatars.ts";
import { listMinions } from "./list-minions.ts";
import { getMinion, type MinionWithCatalog } from "./queries.ts";
import * as s from "./schemas.ts";
import { changeMinion, createMinion, deleteMinion, restoreMinion, toggleFavorite } from "./service.ts";
import { toMinion } from "./view.ts";
import { createMinionToken } from "./tokens.ts";
import { modelErrors } from "../models/errors.ts";
import { minionErrors } from "./errors.ts";

const ok = { success: true as const };
const tag = "Minions";
const reading = requirePermission("minions.read");
const readingOne = requirePermission("minions.read", { minionToken: true });
const writing = requirePermission("minions.write");
const outage = [catalogErrors.catalog_unavailable, "database_unavailable"] as const;

const minionReply = ({ catalog, row }: MinionWithCatalog) => ({ ...ok, minion: toMinion(catalog, row) });

/** At /api/v2/minions. */
export const minions = new Hono<AppEnv>();

minions.get(
  "/",
  route(
    {
      id: "listMinions",
      summary: "List your minions",
      tag,
      access: reading,
      query: s.MinionsQuery,
      reply: s.MinionList,
      errors: outage,
    },
    async ({ ctx, query }) => {
      const { catalog, rows, ...page } = await listMinions(ctx, requireUserId(ctx), query);
      return { ...ok, minions: rows.map((row) => toMinion(catalog, row)), ...page };
    },
  ),
);

minions.post(
  "/",
  route(
    {
      id: "createMinion",
      summary: "Make a minion",
      description:
        "A template gives it what spirits you may use and have slots for, and the reply says which it skipped; a class gives all of its spirits or refuses.",
      tag,
      access: writing,
      body: s.NewMinion,
      replayResponse: async ({ ctx, resultId: made }) => minionReply(await getMinion(ctx, requireUserId(ctx), Number(made))),
      reply: s.MinionCreated,
      status: 201,
      errors: [
        minionErrors.minion_limit_reached,
        modelErrors.display_name_taken,
        minionErrors.spirit_locked,
        minionErrors.spirit_not_owned,
        minionErrors.spirit_limit_reached,
        ...outage,
      ],
    },
    async ({ ctx, body }) => {
      const { skipped, ...made } = await createMinion(ctx, requireUserId(ctx), body);
      return { ...minionReply(made), ...(skipped === undefined ? {} : { skipped }) };
    },
  ),
);

minions.get(
  "/:id",
  route(
    {
      id: "getMinion",
      summary: "Get a minion",
      tag,
      access: readingOne,
      params: IdParam,
      reply: s.MinionReply,
      errors: ["not_found", ...outage],
    },
    async ({ ctx, c, params }) => {
      const found = await getMinion(ctx, requireUserId(ctx), params.id);
      c.header("etag", `"${found.row.version}"`);
      return minionReply(found);
    },
  ),
);

minions.patch(
  "/:id",
  route(
    {
      id: "updateMinion",
      summary: "Edit a minion",
      tag,
      access: writing,
      ifMatch: true,
      params: IdParam,
      body: s.MinionChange,
      reply: s.MinionReply,
      errors: ["not_found", modelErrors.display_name_taken, ...outage],
    },
    async ({ ctx, c, params, body, expectedVersion: seen }) => {
      const found = await changeMinion(ctx, requireUserId(ctx), params.id, body, seen);
      c.header("etag", `"${found.row.version}"`);
      return minionReply(found);
    },
  ),
);

minions.delete(
  "/:id",
  route(
    {
      id: "deleteMinion",
      summary: "Put a minion into the bin",
      description: "It can be restored for 30 days. It takes no slot and no name meanwhile, and its experience stays yours.",
      tag,
      access: writing,
      params: IdParam,
      reply: s.MinionDone,
      errors: ["not_found", ...outage],
    },
    async ({ ctx, params }) => {
      await deleteMinion(ctx, requireUserId(ctx), params.id);
      return { ...ok, message: "The minion is in the bin for 30 days." };
    },
  ),
);

minions.post(
  "/:id/restore",
  route(
    {
      id: "restoreMinion",
      summary: "Take a minion out of the bin",
      tag,
      access: writing,
      params: IdParam,
      reply: s.MinionReply,
      errors: ["not_found", minionErrors.minion_limit_reached, modelErrors.display_name_taken, ...outage],
    },
    async ({ ctx, params }) => minionReply(await restoreMinion(ctx, requireUserId(ctx), params.id)),
  ),
);

minions.post(
  "/:id/toggle-favorite",
  route(
    {
      id: "toggleFavoriteMinion",
      summary: "Mark a minion as a favourite, or no longer",
      tag,
      access: writing,
      params: IdParam,
      reply: s.FavoriteReply,
      errors: ["not_found", ...outage],
    },
    async ({ ctx, params }) => {
      const { is_favorite } = (await toggleFavorite(ctx, requireUserId(ctx), params.id)).row;
      return { ...ok, message: is_favorite ? "It is a favourite." : "It is no favourite any more.", is_favorite };
    },
  ),
);

minions.post(
  "/:id/avatar",
  route(
    {
      id: "putMinionAvatar",
      summary: "Give a minion a picture",
      description: "PNG, JPEG, GIF or WebP, judged by its content. Its address never shows another picture.",
      tag,
      access: writing,
      params: IdParam,
      upload: { field: "avatar", maxBytes: maxPictureBytes, types: imageTypes },
      reply: s.AvatarReply,
      errors: ["not_found", "files_unavailable", ...outage],
    },
    async ({ ctx, params, file }) => {
      const { avatar_url } = minionReply(await putAvatar(ctx, requireUserId(ctx), params.id, file)).minion;
      return { ...ok, message: "This is its picture now.", avatar_url: avatar_url! };
    },
  ),
);

minions.delete(
  "/:id/avatar",
  route(
    {
      id: "removeMinionAvatar",
      summary: "Take a minion's picture away",
      tag,
      access: writing,
      params: IdParam,
      reply: s.MinionReply,
      errors: ["not_found", ...outage],
    },
    async ({ ctx, params }) => minionReply(await replaceAvatar(ctx, requireUserId(ctx), params.id, null)),
  ),
);

minions.post(
  "/:id/token",
  route(
    {
      id: "createMinionToken",
      summary: "Make the token with which a program reaches this minion alone; it is shown this once",
      description: "The token before ends.",
      tag,
      access: requirePermission("minions.write", { sensitive: true }),
      params: IdParam,
      replayResponse: () => ({ ...ok, token: null }),
      reply: s.MinionTokenReply,
      status: 201,
      errors: ["not_found", ...outage],
    },
    async ({ ctx, params }) => ({ ...ok, token: await createMinionToken(ctx, requireUserId(ctx), params.id) }),
  ),
);

/** At /api/v2/avatars: pictures, for whoever knows their addresses. */
export const avatars = new Hono<AppEnv>();

avatars.get(
  "/:user_id/:file",
  route(
    {
      id: "getAvatar",
      summary: "Get a picture",
      tag,
      params: z.object({
        user_id: IntegerParam.pipe(Id),
        file: z.string().regex(pictureName, "is the name of no picture"),
      }),
      reply: z.string().meta({ format: "binary" }),
      errors: ["not_found", "files_unavailable"],
    },
    async ({ ctx, c, params }) => {
      const picture = await readPicture(ctx.env.FILES, params.user_id, params.file);
      c.header("cache-control", "public, max-age=31536000, immutable");
      c.header("content-type", picture.httpMetadata?.contentType ?? "application/octet-stream");
      c.header("cross-origin-resource-policy", "cross-origin");
      return c.body(picture.body);
    },
  ),
);
