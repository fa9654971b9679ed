// Units, in one layer of our own: two frames in one buffer, and the place between them computed in the vertex shader. The
// map's matrix is moved to a place near by in 64 bits, so that 32 bits of the shader keep centimetres.

import type { CustomLayerInterface, CustomRenderMethodInput, Map as Drawn } from 'maplibre-gl';
import type { Flavour } from './flavour.ts';
import { type Frame, Gliding } from './gliding.ts';

const VERTEX = `#version 300 es
in vec2 a_from, a_to; in vec2 a_look;
uniform mat4 u_matrix; uniform float u_share, u_size; uniform int u_chosen;
out vec2 v_look; flat out int v_chosen;
void main() {
  v_look = a_look; v_chosen = gl_VertexID == u_chosen ? 1 : 0;
  gl_Position = u_matrix * vec4(mix(a_from, a_to, u_share), 0.0, 1.0);
  gl_PointSize = u_size * (v_chosen == 1 ? 1.5 : 1.0);
}`;

const FRAGMENT = `#version 300 es
precision highp float;
in vec2 v_look; flat in int v_chosen;
uniform sampler2D u_letters; uniform float u_count, u_size;
uniform vec3 u_unit, u_letter, u_stale, u_edge, u_ring;
out vec4 o_colour;
void main() {
  vec2 at = gl_PointCoord - 0.5;
  float far = length(at) * (v_chosen == 1 ? 1.5 : 1.0);
  if (far > (v_chosen == 1 ? 0.75 : 0.5)) discard;
  bool stale = v_look.y > 0.5;
  vec3 colour = stale ? u_stale : u_unit;
  if (far > 0.5) colour = far > 0.62 ? u_ring : u_edge;
  else if (far > 0.43) colour = u_edge;
  else if (u_size > 13.0) {
    vec2 spot = at * (v_chosen == 1 ? 1.5 : 1.0) / 0.86 + 0.5;
    float ink = texture(u_letters, vec2((v_look.x + spot.x) / u_count, spot.y)).a;
    colour = mix(colour, u_letter, ink);
  }
  // What is stale is hatched: nobody knows whether it is still there.
  if (stale && far < 0.43 && far > 0.3 && mod(gl_FragCoord.x + gl_FragCoord.y, 5.0) < 2.0) colour = u_edge;
  o_colour = vec4(colour, 1.0);
}`;

const SIDE = 64;
const ATTRIBUTES = [['a_from', 2], ['a_to', 2], ['a_look', 2]] as const;
const UNIFORMS = [
  'u_matrix', 'u_share', 'u_size', 'u_count', 'u_chosen', 'u_letters', 'u_unit', 'u_letter', 'u_stale', 'u_edge', 'u_ring',
] as const;

export const LAYER = 'units';

export class Units implements CustomLayerInterface {
  readonly id = LAYER;
  readonly type = 'custom' as const;
  readonly renderingMode = '2d' as const;
  readonly gliding = new Gliding();
  private map: Drawn | undefined;
  private program: WebGLProgram | undefined;
  private buffers: WebGLBuffer[] = [];
  /** Where the shader has what it takes, by name: asked for once. */
  private places = new Map<string, number>();
  private names = new Map<string, WebGLUniformLocation | null>();
  private texture: WebGLTexture | null = null;
  private known = '';
  private dirty = false;
  private chosen = '';
  private flavour: Flavour;
  private readonly still: () => boolean;
  private readonly clock: () => number;

  constructor(flavour: Flavour, still: () => boolean, clock: () => number = () => performance.now()) {
    this.flavour = flavour;
    this.still = still;
    this.clock = clock;
  }

  /** Where all units are now. */
  set(frame: Frame): void {
    this.gliding.set(frame, this.clock(), this.still());
    this.dirty = true;
    this.map?.triggerRepaint();
  }

  /** Draw that unit larger, with a ring; empty for none. */
  choose(id: string): void {
    this.chosen = id;
    this.map?.triggerRepaint();
  }

  recolour(flavour: Flavour): void {
    this.flavour = flavour;
    this.map?.triggerRepaint();
  }

  /** The unit that is seen there, within so far on the world's square; empty when there is none. */
  at(x: number, y: number, within: number): string {
    return this.gliding.nearest(x, y, within, this.clock());
  }

  onAdd(map: Drawn, gl: WebGL2RenderingContext): void {
    this.map = map;
    const made = program(gl);
    this.program = made;
    this.buffers = ATTRIBUTES.map(() => gl.createBuffer());
    this.texture = gl.createTexture();
    this.places = new Map(ATTRIBUTES.map(([name]) => [name, gl.getAttribLocation(made, name)]));
    this.names = new Map(UNIFORMS.map((name) => [name, gl.getUniformLocation(made, name)]));
    this.known = '';
    this.dirty = true;
  }

  onRemove(_: Drawn, gl: WebGL2RenderingContext): void {
    for (const buffer of this.buffers) gl.deleteBuffer(buffer);
    gl.deleteTexture(this.texture);
    if (this.program) gl.deleteProgram(this.program);
    this.map = undefined;
  }

  render(gl: WebGL2RenderingContext, { defaultProjectionData }: CustomRenderMethodInput): void {
    const { gliding, program } = this;
    if (!program || !gliding.ids.length) return;
    if (this.dirty) this.upload(gl);
    const share = gliding.share(this.clock());
    gl.useProgram(program);
    ATTRIBUTES.forEach(([name, size], place) => {
      const where = this.places.get(name) ?? 0;
      gl.bindBuffer(gl.ARRAY_BUFFER, this.buffers[place] ?? null);
      gl.enableVertexAttribArray(where);
      gl.vertexAttribPointer(where, size, gl.FLOAT, false, 0, 0);
    });
    this.uniforms(gl, moved(defaultProjectionData.mainMatrix, gliding.origin), share);
    gl.activeTexture(gl.TEXTURE0);
    gl.bindTexture(gl.TEXTURE_2D, this.texture);
    gl.enable(gl.BLEND);
    gl.drawArrays(gl.POINTS, 0, gliding.ids.length);
    // Once all are where they go, nothing is drawn again until something changes.
    if (share < 1) this.map?.triggerRepaint();
  }

  private uniforms(gl: WebGL2RenderingContext, matrix: Float32Array, share: number): void {
    const at = (name: string) => this.names.get(name) ?? null;
    const size = Math.max(6, Math.min(24, ((this.map?.getZoom() ?? 0) - 9) * 3.4)) * devicePixelRatio;
    gl.uniformMatrix4fv(at('u_matrix'), false, matrix);
    gl.uniform1f(at('u_share'), share);
    gl.uniform1f(at('u_size'), size);
    gl.uniform1f(at('u_count'), this.known.length);
    gl.uniform1i(at('u_chosen'), this.gliding.place(this.chosen));
    gl.uniform1i(at('u_letters'), 0);
    const { unit, onUnit, stale, edge, chosen } = this.flavour;
    const colours = { u_unit: unit, u_letter: onUnit, u_stale: stale, u_edge: edge, u_ring: chosen };
    for (const [name, colour] of Object.entries(colours)) gl.uniform3fv(at(name), channels(colour));
  }

  private upload(gl: WebGL2RenderingContext): void {
    const { from, to, letters, stale } = this.gliding;
    const known = [...new Set(letters)].sort().join('');
    if (known !== this.known) {
      this.known = known;
      gl.bindTexture(gl.TEXTURE_2D, this.texture);
      gl.pixelStorei(gl.UNPACK_FLIP_Y_WEBGL, false);
      gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, gl.RGBA, gl.UNSIGNED_BYTE, written(known));
      gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.LINEAR);
      gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_S, gl.CLAMP_TO_EDGE);
      gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_T, gl.CLAMP_TO_EDGE);
    }
    const look = new Float32Array(2 * letters.length);
    [...letters].forEach((letter, place) => look.set([known.indexOf(letter), stale[place] ?? 0], 2 * place));
    [from, to, look].forEach((data, place) => {
      gl.bindBuffer(gl.ARRAY_BUFFER, this.buffers[place] ?? null);
      gl.bufferData(gl.ARRAY_BUFFER, data, gl.DYNAMIC_DRAW);
    });
    this.dirty = false;
  }
}

/** The matrix for places that are told as offsets from there, multiplied in 64 bits. */
export function moved(matrix: ArrayLike<number>, [x, y]: readonly [number, number]): Float32Array {
  const made = Float64Array.from(matrix);
  for (let row = 0; row < 4; row++) made[12 + row] = (made[12 + row] ?? 0) + (made[row] ?? 0) * x + (made[4 + row] ?? 0) * y;
  return Float32Array.from(made);
}

/** Red, green and blue, from 0 to 1. */
export function channels(colour: string): [number, number, number] {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((place) => Number.parseInt(colour.slice(place, place + 2), 16) / 255);
  return [red, green, blue];
}

function program(gl: WebGL2RenderingContext): WebGLProgram {
  const made = gl.createProgram();
  for (const [type, source] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]] as const) {
    const shader = gl.createShader(type);
    if (!shader) throw new Error('this browser can draw no units: it gave no shader');
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    gl.attachShader(made, shader);
  }
  gl.linkProgram(made);
  if (!gl.getProgramParameter(made, gl.LINK_STATUS)) throw new Error(`this browser can draw no units: ${gl.getProgramInfoLog(made)}`);
  return made;
}

/** The letters side by side, each in a square of its own. */
function written(letters: string): HTMLCanvasElement {
  const canvas = document.createElement('canvas');
  canvas.width = SIDE * Math.max(1, letters.length);
  canvas.height = SIDE;
  const pen = canvas.getContext('2d');
  if (!pen) throw new Error('this browser can write no letters: it gave no canvas');
  pen.font = `700 ${SIDE * 0.6}px system-ui, sans-serif`;
  pen.textAlign = 'center';
  pen.textBaseline = 'middle';
  [...letters].forEach((letter, place) => pen.fillText(letter, (place + 0.5) * SIDE, SIDE * 0.53));
  return canvas;
}
