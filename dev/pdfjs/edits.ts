/** A change of a text of the library: what it does, the text, which must be there `times` times (default 1), and its replacement. */
export type Edit = { purpose: string; find: string; replace: string; times?: number };

/** The bounds that the changed library keeps. One unit is the work on about one byte of a page. */
const prelude = `
/* The work since the last pause, in units. It reads no clock, which stands still in Workers during synchronous work. */
const maxUnits = 20_000;
const maxValues = 50_000;
const maxTokenLength = 2 ** 22;
const maxHexLength = 2 ** 18;
const maxNameLength = 2 ** 12;
const maxStringLength = 2 ** 16;
const maxStreamObjects = 100_000;
/* The highest number of an object. Source: ISO 32000-1, annex C */
const maxEntries = 8_388_608;
const maxFontLength = 2 ** 20;
const maxSmallFont = 2 ** 16;
const maxLineLength = 65_536;
const maxSavedStates = 5_000;
/* The part of a file from its end that is searched for the position of its table of objects. */
const maxTail = 2 ** 20;
let units = 0;
const isWorkDue = () => units >= maxUnits;
const giveWay = () => {
  units = 0;
  return new Promise((resolve) => setTimeout(resolve, 0));
};
class WorkLimitException extends Error {}
const refuseAbove = (amount, limit) => {
  if (amount > limit) throw new WorkLimitException(\`Limit exceeded: \${limit}\`);
};
/* Finds the next match of a global pattern without holding others up, and sets its lastIndex. A match has at most 64 characters. */
const execInParts = async (pattern, bytes, from) => {
  for (let at = from, length = 256; at < bytes.length; at += length, length = Math.min(2 * length, 32_768)) {
    pattern.lastIndex = 0;
    const match = pattern.exec(new TextDecoder("latin1").decode(bytes.subarray(at, at + length + 64)));
    if (match !== null && match.index < length) {
      pattern.lastIndex += at;
      return match;
    }
    if ((units += length / 4) >= maxUnits) await giveWay();
  }
  pattern.lastIndex = 0;
  return null;
};
const indexInParts = async (pattern, bytes, from) => ((await execInParts(pattern, bytes, from)) ? pattern.lastIndex : bytes.length);
/* Whether a font file is too large to be read at once, and says no more about the characters than the document. */
const isUnneeded = (file, { hasIncludedToUnicodeMap, hasEncoding, composite }) => {
  const length = file instanceof Ee ? file.length : (file.stream?.length ?? 0);
  return length > maxFontLength || (length > maxSmallFont && (hasIncludedToUnicodeMap || hasEncoding || composite));
};
/* A text of a command is given in parts. Parts have an even length, because most characters of more than one byte have two. */
const partLength = 1_024;
const readOperation = (preprocessor, operation) => {
  const rest = preprocessor.rest;
  if (rest === undefined) {
    if (!preprocessor.read(operation)) return false;
    const [value] = operation.args ?? [];
    const isText = operation.fn === T.showText || operation.fn === T.showSpacedText;
    if (!isText || value == null || value.length <= partLength) return true;
    preprocessor.rest = { fn: operation.fn, value, at: partLength };
    operation.args = [value.slice(0, partLength)];
    return true;
  }
  operation.fn = rest.fn;
  operation.args = [rest.value.slice(rest.at, rest.at + partLength)];
  rest.at += partLength;
  units += partLength;
  if (rest.at >= rest.value.length) preprocessor.rest = undefined;
  return true;
};
`;

/** The changes of PDF.js that make it give way, and refuse what it cannot do in parts. */
export const edits: readonly Edit[] = [
  { purpose: "Define the bounds.", find: "function polyfillDOMMatrix(){", replace: `${prelude}function polyfillDOMMatrix(){` },
  {
    purpose: "Count work instead of reading the clock.",
    find: "check(){return++this.checked<TimeSlotManager.CHECK_TIME_EVERY?!1:(this.checked=0,this.endTime<=Date.now())}reset(){this.endTime=Date.now()+TimeSlotManager.TIME_SLOT_DURATION_MS,this.checked=0}",
    replace: "check(){return isWorkDue()}reset(){}",
  },
  {
    purpose: "Pause until the waiting events are handled. A resolved promise lets nothing else run.",
    find: "next(Cr)",
    replace: "next(isWorkDue()?giveWay():Cr)",
    times: 2,
  },
  {
    purpose: "Give long texts in parts.",
    find: "(y.length=0,p.args=y,k.read(p))",
    replace: "(y.length=0,p.args=y,readOperation(k,p))",
  },
  {
    purpose: "Count the bytes and operands of a command.",
    find: "read(e){let t=e.args;for(;;){let n=this.parser.getObj();",
    replace:
      "read(e){let t=e.args;for(;;){let $stream=this.parser.lexer.stream,$at=$stream.pos,n=this.parser.getObj();units+=15+Math.max(0,$stream.pos-$at);",
  },
  {
    purpose: "Pause between unknown commands.",
    find: 'warn$1(`Unknown command "${r}".`);continue}',
    replace: 'warn$1(`Unknown command "${r}".`);if(isWorkDue())return e.fn=0,e.args=t??[],!0;continue}',
  },
  {
    purpose: "Pause between commands that are skipped.",
    find: "warn$1(`Skipping ${e}`),t!==null&&(t.length=0);continue}",
    replace: "warn$1(`Skipping ${e}`),t!==null&&(t.length=0);if(isWorkDue())return e.fn=0,e.args=t??[],!0;continue}",
  },
  {
    purpose: "Count glyphs.",
    find: "let i=n.charsToGlyphs(e),a=j.fontMatrix[0]*j.fontSize;",
    replace: "let i=n.charsToGlyphs(e),a=j.fontMatrix[0]*j.fontSize;units+=20*i.length;",
  },
  {
    purpose: "Limit the states that are saved.",
    find: "save(){let e=this.state;this.stateStack.push(this.state)",
    replace:
      "save(){let e=this.state;refuseAbove(this.stateStack.length,maxSavedStates),units+=this.stateStack.length>64?400:40;this.stateStack.push(this.state)",
  },
  {
    purpose: "Tell of a page above the limits. The library would leave the rest of the page out.",
    find: "if(!(e instanceof AbortException$1)){if(S.options.ignoreErrors){",
    replace: "if(!(e instanceof AbortException$1)){if(S.options.ignoreErrors&&!(e instanceof WorkLimitException)){",
    times: 2,
  },
  {
    purpose: "The same for the page as a whole.",
    find: "if(!(e instanceof AbortException$1)){if(this.options.ignoreErrors){warn$1(`getTextContent",
    replace:
      "if(!(e instanceof AbortException$1)){if(this.options.ignoreErrors&&!(e instanceof WorkLimitException)){warn$1(`getTextContent",
  },
  {
    purpose: "Limit the values of an object, at all depths.",
    find: "getObj(e=null){let t=this.buf1;",
    replace:
      "getObj(e=null,$isInner=!1){this.values=$isInner?this.values+1:0,refuseAbove(this.values,maxValues);let t=this.buf1;",
  },
  {
    purpose: "Count the values of an array.",
    find: "n.push(this.getObj(e));if(this.buf1===te)",
    replace: "n.push(this.getObj(e,!0));if(this.buf1===te)",
  },
  {
    purpose: "Count the values of a dictionary.",
    find: "r.set(t,this.getObj(e))}if(this.buf1===te)",
    replace: "r.set(t,this.getObj(e,!0))}if(this.buf1===te)",
  },
  {
    purpose: "Limit the length of a token, and of the blanks and comments before it.",
    find: "nextChar(){return this.currentChar=this.stream.getByte()}peekChar(){",
    replace:
      "nextChar(){return refuseAbove(++this.tokenLength,maxTokenLength),this.currentChar=this.stream.getByte()}peekChar(){",
  },
  {
    purpose: "Count the characters of each token.",
    find: "getObj(){let e=!1,t=this.currentChar;",
    replace: "getObj(){this.tokenLength=0;let e=!1,t=this.currentChar;",
  },
  {
    purpose: "Limit the objects of an object stream, which are read at once.",
    find: "throw new FormatError$1(`invalid first and n parameters for ObjStm stream`);",
    replace: "throw new FormatError$1(`invalid first and n parameters for ObjStm stream`);refuseAbove(o,maxStreamObjects);",
  },
  {
    purpose: "Limit the search for the end of an image in a page.",
    find: "n=e.pos,r=0,i,a;for(;(i=e.getByte())!==-1;)if(r===0)r=+(i===69);else if(r===1)r=i===73?2:0;else if(i===32||i===10||i===13){a=e.pos;",
    replace:
      "n=e.pos,r=0,i,a,$start=n,$hits=0;for(;(i=e.getByte())!==-1;)if(r===0)r=+(i===69);else if(r===1)r=i===73?2:0;else if(i===32||i===10||i===13){a=e.pos;refuseAbove(++$hits*500+e.pos-$start,1048576);",
  },
  {
    purpose: "Limit what a stream of any filter decodes to.",
    find: "ensureBuffer(e){let t=this.buffer;if(e<=t.byteLength)return t;",
    replace: "ensureBuffer(e){let t=this.buffer;if(e<=t.byteLength)return t;refuseAbove(e,33554432);",
  },
  {
    purpose: "Decompress a block of a damaged stream in parts.",
    find: "readBlock(){let e,t,n,r=this.stream;try{t=this.getBits(3)}",
    replace: "readBlock(){let e,t,n,r=this.stream,$open=this.openBlock;this.openBlock=void 0;try{t=$open?6:this.getBits(3)}",
  },
  {
    purpose: "Continue the block.",
    find: "let i,a;if(t===1)i=Qe,a=$e;",
    replace: "let i,a;if($open)[i,a,this.eof]=$open;else if(t===1)i=Qe,a=$e;",
  },
  {
    purpose: "End the part.",
    find: "s=this.bufferLength;for(;;){let t=this.getCode(i);if(t<256){s+1>=o&&(e=this.ensureBuffer(s+1),",
    replace:
      "s=this.bufferLength,$end=s+32768;for(;;){if(s>$end){this.bufferLength=s,this.openBlock=[i,a,this.eof],this.eof=!1;return}let t=this.getCode(i);if(t<256){s+1>=o&&(e=this.ensureBuffer(s+1),",
  },
  {
    purpose: "Read the table of objects with pauses.",
    find: "parse(e){this.xref.parse(e),this.catalog=",
    replace: "async parse(e){await this.xref.parse(e),this.catalog=",
  },
  {
    purpose: "The same.",
    find: "parse(e=!1){let t;e?(warn$1(`Indexing all PDF objects`),t=this.indexObjects()):t=this.readXRef(),",
    replace:
      "async parse(e=!1){let t;e?(warn$1(`Indexing all PDF objects`),t=await this.indexObjects()):t=await this.readXRef(),",
  },
  { purpose: "The same.", find: "readXRef(e=!1){let t=this.stream,", replace: "async readXRef(e=!1){let t=this.stream," },
  { purpose: "The same.", find: "a=this.processXRefTable(r),", replace: "a=await this.processXRefTable(r)," },
  { purpose: "The same.", find: "a=this.processXRefStream(i),", replace: "a=await this.processXRefStream(i)," },
  { purpose: "The same.", find: "processXRefTable(e){if(", replace: "async processXRefTable(e){if(" },
  {
    purpose: "The same.",
    find: "!isCmd(this.readXRefTable(e),`trailer`)",
    replace: "!isCmd(await this.readXRefTable(e),`trailer`)",
  },
  { purpose: "The same.", find: "readXRefTable(e){let t=", replace: "async readXRefTable(e){let t=" },
  {
    purpose: "The same.",
    find: "for(let r=n.entryNum;r<a;r++){",
    replace: "for(let r=n.entryNum;r<a;r++){if((units+=50)>=maxUnits)await giveWay();",
  },
  { purpose: "The same.", find: "processXRefStream(e){if(", replace: "async processXRefStream(e){if(" },
  {
    purpose: "The same.",
    find: "return this.readXRefStream(e),delete this.streamState,e.dict}",
    replace: "return await this.readXRefStream(e),delete this.streamState,e.dict}",
  },
  { purpose: "The same.", find: "readXRefStream(e){let t=", replace: "async readXRefStream(e){let t=" },
  {
    purpose: "The same.",
    find: "for(let a=t.entryNum;a<s;++a){",
    replace: "for(let a=t.entryNum;a<s;++a){if((units+=20)>=maxUnits)await giveWay();",
  },
  { purpose: "Search for objects with pauses.", find: "indexObjects(){function", replace: "async indexObjects(){function" },
  {
    purpose: "The same.",
    find: "for(;u<l;){let p=s[u];if(p===9||p===10||p===13||p===32){++u;continue}",
    replace: "for(;u<l;){if((units+=5)>=maxUnits)await giveWay();let p=s[u];if(p===9||p===10||p===13||p===32){++u;continue}",
  },
  {
    purpose: "Count the objects that are found.",
    find: "let t=h[1]|0,n=h[2]|0,r=u+m.length,i,d=!1;",
    replace: "let t=h[1]|0,n=h[2]|0,r=u+m.length,i,d=!1;units+=100;",
  },
  {
    purpose: "Search for the type of an object at its beginning.",
    find: "let g=s.subarray(u,u+i),",
    replace: "let g=s.subarray(u,u+Math.min(i,4096)),",
  },
  {
    purpose: "Limit a line that is read at once.",
    find: "r!==10&&r!==13&&r!==60&&!(++t>=e.length);)n+=",
    replace: "r!==10&&r!==13&&r!==60&&!(++t>=e.length)&&n.length<maxLineLength;)n+=",
  },
  {
    purpose: "Count the characters of a line.",
    find: "let m=readToken(s,u),h;",
    replace: "let m=readToken(s,u),h;units+=m.length;",
  },
  {
    purpose: "Limit a comment that is skipped at once.",
    find: "if(p===37){do{if(++u,u>=l)break;p=s[u]}while(p!==10&&p!==13);continue}",
    replace:
      "if(p===37){let $end=Math.min(l,u+maxLineLength);units+=500;do{if(++u,u>=$end)break;p=s[u]}while(p!==10&&p!==13);units+=maxLineLength-$end+u;continue}",
  },
  {
    purpose: "Search in parts.",
    find: "u+=skipUntil(s,u,r),d.push(u),u+=skipUntil(s,u,i);",
    replace: "u=await indexInParts(/(?=trailer)/g,s,u),d.push(u),u=await indexInParts(/(?=startxref)/g,s,u);",
  },
  {
    purpose: "Decode the file in parts.",
    find: "let s=o.getBytes(),c=bytesToString$1(s),l=s.length,",
    replace: "let s=o.getBytes(),l=s.length,",
  },
  { purpose: "The same.", find: "let p=e.exec(c);", replace: "let p=await execInParts(e,s,r);" },
  { purpose: "The same.", find: "let r=t.exec(c);", replace: "let r=await execInParts(t,s,e);" },
  {
    purpose: "Read trailers with pauses.",
    find: "for(let e of d){o.pos=e;",
    replace: "for(let e of d){if((units+=200)>=maxUnits)await giveWay();o.pos=e;",
  },
  {
    purpose: "The same.",
    find: "for(let e of[...p,`genFallback`,...p]){",
    replace: "for(let e of[...p,`genFallback`,...p]){if((units+=50)>=maxUnits)await giveWay();",
  },
  {
    purpose: "Limit the search for the table of objects.",
    find: "for(;!i&&a>0;)",
    replace: "for(;!i&&a>Math.max(0,e.end-maxTail);)",
  },
  {
    purpose: "Limit a name.",
    find: "else n.push(String.fromCharCode(e));return n.length>127",
    replace: "else refuseAbove(n.length,maxNameLength),n.push(String.fromCharCode(e));return n.length>127",
  },
  {
    purpose: "Limit a string.",
    find: "default:n.push(String.fromCharCode(r));break}if(t)break;",
    replace: "default:n.push(String.fromCharCode(r));break}if(t)break;refuseAbove(n.length,maxStringLength);",
  },
  {
    purpose: "Read the tables that are found with pauses.",
    find: "this.startXRefQueue.push(e),this.readXRef(!0);",
    replace: "this.startXRefQueue.push(e),await this.readXRef(!0);",
  },
  {
    purpose: "Search for the catalog with pauses.",
    find: "if(!p.length)for(let e in this.entries){let t=this.entries[e];if(!t)continue;",
    replace:
      "if(!p.length)for(let e=0;e<Math.min(this.entries.length,maxEntries);e++){let t=this.entries[e];if((units+=t?100:2)>=maxUnits)await giveWay();if(!t)continue;",
  },
  {
    purpose: "Do not read a large font whose characters are known without it. The library reads it to draw.",
    find: "!t||t.isEmpty){t&&warn$1(",
    replace: "!t||t.isEmpty||isUnneeded(t,n)){t&&warn$1(",
  },
  {
    purpose: "Limit what a stream decompresses to natively.",
    find: "for await(let e of n)a.push(e),o+=e.byteLength;",
    replace: "for await(let e of n)a.push(e),o+=e.byteLength,refuseAbove(o,33554432);",
  },
  {
    purpose: "Read an object of an object stream when it is asked for, not all of them.",
    find: "fetchCompressed(e,t,n=!1){let r=t.offset,i=this.fetch(L.get(r,0));",
    replace:
      "fetchCompressed(e,t,n=!1){let r=t.offset,$read=(this.objectStreams??=new Map).get(r);if($read)return $read(e,t.gen);let i=this.fetch(L.get(r,0));",
  },
  {
    purpose: "The same.",
    find: "let u=(i.start||0)+a,d=Array(o);for(let e=0;e<o;++e){let t=e<o-1?l[e+1]-l[e]:void 0;if(t<0)throw new FormatError$1(`Invalid offset in the ObjStm stream.`);s=new Parser(",
    replace:
      "let u=(i.start||0)+a;$read=($ref,e)=>{if(!(e>=0&&e<o))throw new XRefEntryException(`Bad (compressed) XRef entry: ${$ref}`);let t=e<o-1?l[e+1]-l[e]:void 0;if(t<0)throw new FormatError$1(`Invalid offset in the ObjStm stream.`);s=new Parser(",
  },
  {
    purpose: "The same.",
    find: "let n=s.getObj();if(d[e]=n,n instanceof BaseStream)continue;let a=c[e],f=this.entries[a];f&&f.offset===r&&f.gen===e&&this._cacheMap.set(a,n)}if(t=d[t.gen],t===void 0)throw new XRefEntryException(`Bad (compressed) XRef entry: ${e}`);return t}",
    replace:
      "let n=s.getObj(),a=c[e],f=this.entries[a];return!(n instanceof BaseStream)&&f&&f.offset===r&&f.gen===e&&this._cacheMap.set(a,n),n};this.objectStreams.set(r,$read);return $read(e,t.gen)}",
  },
  {
    purpose: "Forget the object streams of a damaged table.",
    find: "this.entries.length=0,this._cacheMap.clear();",
    replace: "this.entries.length=0,this._cacheMap.clear(),this.objectStreams=void 0;",
  },
  {
    purpose: "Limit a string in hexadecimal digits.",
    find: "else r=toHexDigit(t),r===-1?this._hexStringWarn(t)",
    replace: "else refuseAbove(e.length,maxHexLength),r=toHexDigit(t),r===-1?this._hexStringWarn(t)",
  },
];
