// Conway's game of life on a torus, in AssemblyScript without a library.
//
//   life ".....\n..#..\n..#..\n..#..\n....."  ->  the grid one generation on; '#' lives, '.' does not, every line is as long as the first
//
// The configuration key "generations" says how many generations (1 without). Each is logged at level info with its population, the first that repeats the one
// before it at level debug, as a still life.
import * as host from "./host";

const DEAD: u8 = 0x2e;
const ALIVE: u8 = 0x23;
const NEW_LINE: u8 = 0x0a;

export function life(): i32 {
  const generations = host.configNumber("generations", 1);
  if (generations < 0) {
    return host.fail("the configuration 'generations' is no number");
  }

  const text = host.input();
  let length = text.length;
  // The last line may end with a line feed or without.
  if (length > 0 && text[length - 1] == NEW_LINE) {
    length--;
  }
  let width = 0;
  while (width < length && text[width] != NEW_LINE) {
    width++;
  }
  if (width == 0 || (length + 1) % (width + 1) != 0) {
    return host.fail("the lines are not of one length");
  }
  const height = (length + 1) / (width + 1);

  let cells = new StaticArray<u8>(width * height);
  let next = new StaticArray<u8>(width * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const byte = text[y * (width + 1) + x];
      if (byte != DEAD && byte != ALIVE) {
        return host.fail("expected '.' or '#' in line " + (y + 1).toString() + ", column " + (x + 1).toString());
      }
      cells[y * width + x] = u8(byte == ALIVE);
    }
    if (y + 1 < height && text[y * (width + 1) + width] != NEW_LINE) {
      return host.fail("the lines are not of one length");
    }
  }

  // Texts for messages that nobody reads are not made.
  const informs = host.logs(host.LogLevel.Info);
  for (let generation = 1; generation <= generations; generation++) {
    const population = step(cells, next, width, height);
    const stays = memory.compare(changetype<usize>(cells), changetype<usize>(next), width * height) == 0;
    const previous = cells;
    cells = next;
    next = previous;
    if (informs) {
      host.logInfo("generation " + generation.toString() + ": " + population.toString() + " alive");
    }
    if (stays) {
      host.logDebug("a still life from generation " + (generation - 1).toString());
      break;
    }
  }

  const output = new StaticArray<u8>((width + 1) * height);
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      output[at++] = cells[y * width + x] != 0 ? ALIVE : DEAD;
    }
    output[at++] = NEW_LINE;
  }
  host.setOutput(output);
  return 0;
}

// How many live in the next generation.
function step(cells: StaticArray<u8>, next: StaticArray<u8>, width: i32, height: i32): i32 {
  let population = 0;
  for (let y = 0; y < height; y++) {
    const above = (y == 0 ? height - 1 : y - 1) * width;
    const row = y * width;
    const below = (y == height - 1 ? 0 : y + 1) * width;
    for (let x = 0; x < width; x++) {
      const left = x == 0 ? width - 1 : x - 1;
      const right = x == width - 1 ? 0 : x + 1;
      const neighbours =
        cells[above + left] + cells[above + x] + cells[above + right] +
        cells[row + left] + cells[row + right] +
        cells[below + left] + cells[below + x] + cells[below + right];
      const alive = u8(neighbours == 3 || (neighbours == 2 && cells[row + x] != 0));
      next[row + x] = alive;
      population += alive;
    }
  }
  return population;
}
