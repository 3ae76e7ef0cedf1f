import { describe, expect, it } from 'vitest';
import { formatRule, parseRule } from '../../../src/annotations/header-rule.ts';
import type { Operator, Predicate, Rule } from '../../../src/model/rule.ts';
import { cpuMs } from '../../support/cpu-time.ts';

function header(name: string, operator: Operator, value = ''): Predicate {
  return { subject: { kind: 'header', name }, operator, value };
}

function member(name: string, operator: Operator, value = ''): Predicate {
  return { subject: { kind: 'baggage', name }, operator, value };
}

function rule(text: string): Rule {
  const parsed = parseRule(text);
  if ('errors' in parsed) throw new Error(parsed.errors.join('\n'));
  return parsed.rule;
}

function errors(text: string): readonly string[] {
  const parsed = parseRule(text);
  return 'errors' in parsed ? parsed.errors : [];
}

describe('a rule', () => {
  it.each<[string, Predicate]>([
    ['x-user=alice', header('x-user', 'exact', 'alice')],
    ['x-user^=al', header('x-user', 'prefix', 'al')],
    ['x-user$=ce', header('x-user', 'suffix', 'ce')],
    ['x-user*=lic', header('x-user', 'contains', 'lic')],
    ['x-user~="al.*"', header('x-user', 'regex', 'al.*')],
    ['x-user~=^al.*$', header('x-user', 'regex', '^al.*$')],
    ['x-user', header('x-user', 'present')],
    ['!x-user', header('x-user', 'absent')],
    ['! x-user', header('x-user', 'absent')],
    ['baggage[user]=alice', member('user', 'exact', 'alice')],
    ['baggage[user]^=al', member('user', 'prefix', 'al')],
    ['baggage[user]$=ce', member('user', 'suffix', 'ce')],
    ['baggage[user]*=lic', member('user', 'contains', 'lic')],
    ['baggage[user]~=al.*', member('user', 'regex', 'al.*')],
    ['baggage[ user ]', member('user', 'present')],
    ['!baggage[user]', member('user', 'absent')],
    ['X-User_2 = Alice', header('x-user_2', 'exact', 'Alice')],
    ['BAGGAGE[User]=Alice', member('user', 'exact', 'Alice')],
    ['x-user=a=b', header('x-user', 'exact', 'a=b')],
    ['x-user=a\\d', header('x-user', 'exact', 'a\\d')],
    ['x-user="a, b; c"', header('x-user', 'exact', 'a, b; c')],
    ['x-user="say \\"hi\\" \\\\ \\d"', header('x-user', 'exact', 'say "hi" \\ \\d')],
    ['x-user="*"', header('x-user', 'exact', '*')],
    ['x-user="~x"', header('x-user', 'exact', '~x')],
    ['x-user=José', header('x-user', 'exact', 'José')],
  ])('reads %s', (text, predicate) => {
    expect(rule(text)).toEqual({ alternatives: [[predicate]] });
  });

  it('requires what commas join, and takes any of what lines and semicolons part', () => {
    const a = header('x-a', 'exact', '1');
    const b = header('x-b', 'present');
    const c = member('c', 'prefix', '2');
    expect(rule('x-a=1, x-b\n\r\n  baggage[c]^=2 ; x-b ;\n')).toEqual({ alternatives: [[a, b], [c], [b]] });
  });

  it.each([
    ['', 'is empty'],
    [' ;\n; ', 'is empty'],
    ['x-user=', 'empty value'],
    ['x-user=""', 'empty value'],
    ['x-user^=', 'empty value'],
    ['x-user=alice,', 'missing at a comma'],
    [',x-user=alice', 'missing at a comma'],
    ['x-user=alice,\nx-team=web', 'missing at a comma'],
    ['x-user=alice bob', 'space in its value'],
    ['x-user=al"ice"', 'quote in its value'],
    ['x-user="alice', 'not closed'],
    ['x-user="alice\\', 'not closed'],
    ['x-user="alice\nx-bob', 'not closed'],
    ['x-user="alice" bob', 'behind the closing quote'],
    ['x-user==alice', '"=" twice'],
    ['x-user=~al.*', '"~"'],
    ['x-user=*', 'no globs'],
    ['x-user!=alice', '"!="'],
    ['!x-user=alice', 'behind "!"'],
    ['x-user: alice', '":" behind the name'],
    ['x-user alice', 'no operator'],
    ['x.user=alice', 'no operator'],
    ['=alice', 'does not begin with a name'],
    ['x-user~=a{1,3}', 'needs quotes'],
    [':path=/a', 'pseudo-header'],
    ['host=shop.example.com', 'no header that rules may use'],
    ['HOST', 'no header that rules may use'],
    ['baggage=user', 'Name a member'],
    ['baggage[]=a', 'no baggage member'],
    ['baggage[a.b]=a', 'no baggage member'],
    ['baggage[a=a', 'no baggage member'],
    ['baggage[detour]=pr-42', 'carry the key'],
    ['x-detour=pr-42', 'carry the key'],
    ['x-detour-decided=shop/api:80', "Detour's own"],
    ['x-detour-served-by', "Detour's own"],
    ['x-detour-unavailable', "Detour's own"],
    ['!x-detour-shard', "Detour's own"],
    ['x-detour-baggage-user=alice', "Detour's own"],
    ['connection=close', 'Envoy removes'],
    ['x-user="a\u0007"', 'No header carries it'],
    ['x-user="\ud800"', 'No header carries it'],
    ['x-user=a, X-User=a', 'twice'],
  ])('is a problem: %j', (text, message) => {
    expect(errors(text)).toHaveLength(1);
    expect(errors(text)[0]).toContain(message);
  });

  it('quotes the offending piece, shortened, and tells of every line up to five', () => {
    const [first, second] = errors(`x-user=${'a'.repeat(100)} b\nx-ok=1\nx-user==c`);
    expect(first).toContain(`"x-user=${'a'.repeat(53)}…"`);
    expect(second).toContain('"x-user==c"');
    expect(errors('=\n'.repeat(100))).toHaveLength(5);
  });

  it.each([
    ['1 MiB of text', 'x'.repeat(2 ** 20)],
    ['1 MiB of predicates', 'x-a=1,'.repeat(2 ** 20 / 6)],
    ['thousands of predicates', Array.from({ length: 1500 }, (_, i) => `x${i}`).join(',')],
    ['thousands of alternatives', 'x\n'.repeat(4000)],
    ['a name of 1,000 characters', `${'x'.repeat(1000)}=1`],
    ['a value of 5,000 characters', `x-user=${'x'.repeat(5000)}`],
  ])('is too large at once: %s', (_, text) => {
    expect(cpuMs(() => void parseRule(text))).toBeLessThan(250);
    expect(parseRule(text)).toMatchObject({ tooLarge: true, errors: [expect.any(String)] });
  });

  it('may have as many predicates as the limit says', () => {
    expect(rule(Array.from({ length: 64 }, (_, i) => `x-${i}`).join('\n')).alternatives).toHaveLength(64);
  });

  it('is written as text that reads the same', () => {
    const text = 'x-user="a \\"b\\" \\\\", !x-b, x-c\nbaggage[d]~="e.*"';
    expect(formatRule(rule(text))).toBe(text);
  });
});
