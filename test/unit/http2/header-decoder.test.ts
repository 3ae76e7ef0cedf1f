/** The examples of RFC 7541, appendix C, and what is no block. */
import { describe, expect, it } from 'vitest';
import { HeaderDecoder } from '../../../src/http2/header-decoder.ts';
import { encodeHeaders } from '../../../src/http2/header-encoder.ts';
import { HeaderTable } from '../../../src/http2/header-table.ts';
import { readHuffman } from '../../../src/http2/huffman.ts';

function decoded(decoder: HeaderDecoder, hex: string): readonly string[] | undefined {
  const fields: string[] = [];
  const bytes = Buffer.from(hex.replaceAll(/\s/g, ''), 'hex');
  return decoder.decode(bytes, ({ name, value }) => fields.push(`${name}: ${value}`)) ? fields : undefined;
}

const GET = [':method: GET', ':scheme: http', ':path: /', ':authority: www.example.com'];
const REQUESTS = [
  GET,
  [...GET, 'cache-control: no-cache'],
  [':method: GET', ':scheme: https', ':path: /index.html', ':authority: www.example.com', 'custom-key: custom-value'],
];
const dated = (status: string, second: number): readonly string[] => [
  `:status: ${status}`,
  'cache-control: private',
  `date: Mon, 21 Oct 2013 20:13:${second} GMT`,
  'location: https://www.example.com',
];
const COOKIE = 'set-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1';
const RESPONSES = [dated('302', 21), dated('307', 21), [...dated('200', 22), 'content-encoding: gzip', COOKIE]];

describe('a block of headers', () => {
  it.each([
    ['C.2.1', '400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572', 'custom-key: custom-header'],
    ['C.2.2', '040c 2f73 616d 706c 652f 7061 7468', ':path: /sample/path'],
    ['C.2.3', '1008 7061 7373 776f 7264 0673 6563 7265 74', 'password: secret'],
    ['C.2.4', '82', ':method: GET'],
  ])('%s is read', (_name, hex, field) => {
    expect(decoded(new HeaderDecoder(), hex)).toEqual([field]);
  });

  it.each([
    [
      'C.3, without Huffman',
      4_096,
      REQUESTS,
      [
        '8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d',
        '8286 84be 5808 6e6f 2d63 6163 6865',
        '8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65',
      ],
    ],
    [
      'C.4, with Huffman',
      4_096,
      REQUESTS,
      [
        '8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff',
        '8286 84be 5886 a8eb 1064 9cbf',
        '8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf',
      ],
    ],
    [
      'C.5, with a table that is too small for all, without Huffman',
      256,
      RESPONSES,
      [
        `4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3120 474d
         546e 1768 7474 7073 3a2f 2f77 7777 2e65 7861 6d70 6c65 2e63 6f6d`,
        '4803 3330 37c1 c0bf',
        `88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220 474d 54c0 5a04 677a 6970 7738 666f
         6f3d 4153 444a 4b48 514b 425a 584f 5157 454f 5049 5541 5851 5745 4f49 553b 206d 6178 2d61 6765 3d33 3630 303b
         2076 6572 7369 6f6e 3d31`,
      ],
    ],
    [
      'C.6, with such a table and Huffman',
      256,
      RESPONSES,
      [
        `4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad 1718 63c7
         8f0b 97c8 e9ae 82ae 43d3`,
        '4883 640e ffc1 c0bf',
        `88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d d7f2 e6c7 b335
         dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07`,
      ],
    ],
  ] as const)('%s: block after block', (_name, size, expected, blocks) => {
    const decoder = new HeaderDecoder(size);
    expect(blocks.map((hex) => decoded(decoder, hex))).toEqual(expected);
  });

  it('is told from what is none', () => {
    const bad = {
      'a number that nothing has': 'be',
      'the number 0': '80',
      'a text that is longer than the block': '400a 63',
      'a number without its end': 'ff ff ff',
      'a number that is too great': 'ff ff ff ff ff ff 7f',
      'a text without its length': '40',
      'a value that is missing': '4001 61',
      'a table that is larger than was agreed': '3f e2 1f',
      'a table that changes behind a field': '82 20',
      'Huffman with the end of a text in it': '4001 61 84 ff ff ff ff',
      'Huffman with a byte of padding': '4001 61 82 1f ff',
      'Huffman with padding of zeros': '4001 61 81 18',
    };
    for (const [name, hex] of Object.entries(bad)) expect([name, decoded(new HeaderDecoder(), hex)]).toEqual([name, undefined]);
  });

  it('may empty the table at its beginning', () => {
    const decoder = new HeaderDecoder();
    expect(decoded(decoder, '4001 6101 62')).toEqual(['a: b']);
    expect(decoded(decoder, 'be')).toEqual(['a: b']);
    expect(decoded(decoder, '20')).toEqual([]);
    expect(decoded(decoder, 'be')).toBeUndefined();
  });

  it('that this server writes is read again, and remembered by nobody', () => {
    const fields = [
      { name: ':status', value: '200' },
      { name: 'content-type', value: 'application/grpc' },
      { name: 'grpc-message', value: 'x'.repeat(300) },
    ];
    const decoder = new HeaderDecoder(0);
    const seen: object[] = [];
    expect(decoder.decode(encodeHeaders(fields), (field) => seen.push(field))).toBe(true);
    expect(seen).toEqual(fields);
  });
});

describe('a table of headers', () => {
  it('takes no more than it may, and nothing that is larger than itself', () => {
    const table = new HeaderTable(100);
    table.add({ name: 'a', value: '1' });
    table.add({ name: 'b', value: '2' });
    expect([table.size, table.at(62)?.name, table.at(63)?.name]).toEqual([68, 'b', 'a']);
    table.add({ name: 'c', value: '3' });
    expect([table.size, table.at(62)?.name, table.at(64)]).toEqual([68, 'c', undefined]);
    table.add({ name: 'd', value: 'x'.repeat(100) });
    expect([table.size, table.at(62)]).toEqual([0, undefined]);
  });
});

it('Huffman: nothing is nothing', () => {
  expect(readHuffman(Buffer.alloc(0), 0, 0)).toBe('');
});
