import assert from 'node:assert/strict';
import { lineChart } from './plot.js';

describe('a line chart', () => {
  it('draws each series from the origin of the axes, scaled to a round number', () => {
    const svg = lineChart('title', 's', 'orders', [
      {
        name: 'a',
        points: [
          { x: 0, y: 0 },
          { x: 10, y: 20 },
        ],
      },
      { name: 'b', points: [{ x: 5, y: 10 }] },
    ]);
    // The axes end at 10 s and 20 orders, so this point is the upper right corner.
    assert.match(svg, /points="70\.0,250\.0 740\.0,40\.0"/);
    assert.match(svg, /points="405\.0,145\.0"/);
  });

  it('is valid and empty when it has no series', () => {
    assert.match(lineChart('title', 's', 'orders', []), /^<svg [\s\S]*<\/svg>\n$/);
  });

  it('escapes markup in its texts', () => {
    const svg = lineChart('<b>&', 's', 'y', []);
    assert.ok(svg.includes('&lt;b&gt;&amp;'));
  });
});
