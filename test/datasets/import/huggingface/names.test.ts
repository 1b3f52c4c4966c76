import { expect, test } from "vitest";
import { isHubAddress } from "../../../../src/datasets/import/huggingface/ranged-file.ts";
import { LoadBody } from "../../../../src/datasets/schemas.ts";

test.each([
  ["https://huggingface.co/datasets/a/b", true],
  ["https://us.aws.cdn.hf.co/xet?Signature=1", true],
  ["https://cdn-lfs.huggingface.co/x", true],
  ["http://127.0.0.1:9000/x", true],
  ["http://127.0.0.1:9001/x", false],
  ["https://127.0.0.1:9000/x", false],
  ["http://huggingface.co/x", false],
  ["https://huggingface.co:8443/x", false],
  ["https://evilhf.co/x", false],
  ["https://hf.co.example.com/x", false],
  ["https://hf.co@example.com/x", false],
])("a file at %s may be fetched: %s", (address, may) => {
  expect(isHubAddress(new URL(address), "http://127.0.0.1:9000")).toBe(may);
});

test.each(["../etc/passwd", "a/b/c", "owner/quiz?x=1", "", "https://example.com/x", "owner /quiz", ".hidden/x"])(
  "“%s” is not a dataset name",
  (dataset_id) => {
    expect(LoadBody.safeParse({ dataset_id }).success).toBe(false);
  },
);
