import { describeApi } from "../../dev/cli/openapi.ts";
import { app } from "../../src/app.ts";

type Schema = Record<string, unknown>;

export type Operation = {
  operationId: string;
  tags: string[];
  parameters?: { name: string; in: string; schema: Schema }[];
  requestBody?: { content: Record<string, { schema: Schema }> };
  responses: Record<string, { content?: Record<string, { schema: Schema }> }>;
  security: Record<string, unknown>[];
  description?: string;
};

export const document = JSON.parse(JSON.stringify(describeApi(app))) as {
  openapi: string;
  tags: { name: string; description: string }[];
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Schema & { examples?: unknown[] }> };
};

/** Every operation of the document: a route that is new is tested by the tables that walk over these. */
export const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({
    name: `${method.toUpperCase()} ${path}`,
    method: method.toUpperCase(),
    path,
    operation,
    id: operation.operationId.replace(/AtAlias\d*$/, ""),
  })),
);

export type Listed = (typeof operations)[number];

/** Whether an operation refuses anonymous callers. An empty scheme admits them. */
export const isGuarded = ({ operation: { security } }: Listed) =>
  security.length > 0 && security.every((scheme) => Object.keys(scheme).length > 0);

/** The operations that take JSON. */
export const bodied = operations.filter(({ operation }) => operation.requestBody?.content["application/json"] !== undefined);
