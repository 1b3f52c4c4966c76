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
import { trashRetentionDays } from "./constants.ts";
import { getMinion } from "./queries.ts";
import * as s from "./schemas.ts";
import { changeMinion, createMinion, deleteMinion, restoreMinion, toggleFavorite } from "./service.ts";
import { minionReply, toMinion } from "./view.ts";
import { createMinionToken } from "./tokens.ts";
import { modelErrors } from "../models/errors.ts";
import { minionErrors } from "./errors.ts";

const ok = { success: true as const };
const tag = "Minions";
const reading = requirePermission("minions.read");
const readingOne = requirePermission("minions.read", { minionToken: true });
const writing = requirePermission("minions.write");
const outage = [catalogErrors.catalog_unavailable, "database_unavailable"] as const;

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
      summary: "Create a minion",
      description:
        "A template equips the spirits that you own and have slots for; `skipped` lists the others. A class equips all of its spirits, or the request fails.",
      tag,
      access: writing,
      body: s.NewMinion,
      replayResponse: async ({ ctx, resultId }) => minionReply(await getMinion(ctx, requireUserId(ctx), Number(resultId))),
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
      const { skipped, ...created } = await createMinion(ctx, requireUserId(ctx), body);
      return { ...minionReply(created), ...(skipped === undefined ? {} : { skipped }) };
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
      summary: "Update a minion",
      tag,
      access: writing,
      ifMatch: true,
      params: IdParam,
      body: s.MinionChange,
      reply: s.MinionReply,
      errors: ["not_found", modelErrors.display_name_taken, ...outage],
    },
    async ({ ctx, c, params, body, expectedVersion }) => {
      const found = await changeMinion(ctx, requireUserId(ctx), params.id, body, expectedVersion);
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
      summary: "Move a minion to the trash",
      description: `You can restore it for ${trashRetentionDays} days. Meanwhile it does not count toward your minion limit, its display name is free, and you keep its experience.`,
      tag,
      access: writing,
      params: IdParam,
      reply: s.MinionDone,
      errors: ["not_found", ...outage],
    },
    async ({ ctx, params }) => {
      await deleteMinion(ctx, requireUserId(ctx), params.id);
      return { ...ok, message: `The minion is in the trash. You can restore it for ${trashRetentionDays} days.` };
    },
  ),
);

minions.post(
  "/:id/restore",
  route(
    {
      id: "restoreMinion",
      summary: "Restore a minion from the trash",
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
      summary: "Add a minion to your favorites, or remove it",
      tag,
      access: writing,
      params: IdParam,
      reply: s.FavoriteReply,
      errors: ["not_found", ...outage],
    },
    async ({ ctx, params }) => {
      const { is_favorite } = (await toggleFavorite(ctx, requireUserId(ctx), params.id)).row;
      return { ...ok, message: is_favorite ? "Added to your favorites." : "Removed from your favorites.", is_favorite };
    },
  ),
);

minions.post(
  "/:id/avatar",
  route(
    {
      id: "putMinionAvatar",
      summary: "Set a minion's avatar",
      description:
        "PNG, JPEG, GIF or WebP; the type is detected from the content. Each avatar has its own URL, whose content never changes.",
      tag,
      access: writing,
      params: IdParam,
      upload: { field: "avatar", maxBytes: maxPictureBytes, types: imageTypes },
      reply: s.AvatarReply,
      errors: ["not_found", "files_unavailable", ...outage],
    },
    async ({ ctx, params, file }) => {
      const { avatar_url } = minionReply(await putAvatar(ctx, requireUserId(ctx), params.id, file)).minion;
      return { ...ok, message: "The avatar was updated.", avatar_url: avatar_url! };
    },
  ),
);

minions.delete(
  "/:id/avatar",
  route(
    {
      id: "removeMinionAvatar",
      summary: "Remove a minion's avatar",
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
      summary: "Create an access token for one minion; the token is shown once",
      description: "Revokes the previous token.",
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

/** At /api/v2/avatars: public images at unguessable URLs. */
export const avatars = new Hono<AppEnv>();

avatars.get(
  "/:user_id/:file",
  route(
    {
      id: "getAvatar",
      summary: "Get an avatar",
      tag,
      params: z.object({
        user_id: IntegerParam.pipe(Id),
        file: z.string().regex(pictureName, "must be the file name of an avatar"),
      }),
      reply: z.string().meta({ format: "binary" }),
      fileTypes: imageTypes,
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
