/** Extensions of HTML files. */
export const htmlExtensions = ["html", "htm", "xhtml"];

/** Whether a text has a tag. An HTML file without one is plain text. */
export const hasTag = (text: string): boolean => /<[a-z][^>]*>/i.test(text);
