package dev.openlora.settlement.chain;

import dev.openlora.settlement.proof.Address;
import dev.openlora.settlement.proof.Bytes32;
import java.io.IOException;
import java.math.BigInteger;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import okhttp3.OkHttpClient;
import org.jspecify.annotations.Nullable;
import org.web3j.abi.FunctionEncoder;
import org.web3j.abi.datatypes.Function;
import org.web3j.protocol.Web3j;
import org.web3j.protocol.core.DefaultBlockParameter;
import org.web3j.protocol.core.DefaultBlockParameterName;
import org.web3j.protocol.core.Request;
import org.web3j.protocol.core.Response;
import org.web3j.protocol.core.methods.response.EthBlock;
import org.web3j.protocol.core.methods.response.TransactionReceipt;
import org.web3j.protocol.http.HttpService;
import org.web3j.utils.Numeric;

/** One JSON-RPC endpoint. Refusals by a contract are {@link SettlementError}s. Any thread. */
public final class Rpc implements AutoCloseable {
  private static final Duration CONNECT_MAX = Duration.ofSeconds(10);
  private static final Duration ANSWER_MAX = Duration.ofSeconds(60);

  private final URI uri;
  private final OkHttpClient http;
  private final HttpService service;
  private final Web3j web3j;
  private final Supplier<Optional<String>> diagnosis;

  private Rpc(URI uri, Supplier<Optional<String>> diagnosis) {
    this.uri = uri;
    this.diagnosis = diagnosis;
    http = new OkHttpClient.Builder().connectTimeout(CONNECT_MAX).readTimeout(ANSWER_MAX).build();
    service = new HttpService(uri.toString(), http);
    web3j = Web3j.build(service);
  }

  public static Rpc open(URI uri) {
    return open(uri, Optional::empty);
  }

  /**
   * @param diagnosis asked when the endpoint does not answer: why, if known
   */
  static Rpc open(URI uri, Supplier<Optional<String>> diagnosis) {
    String scheme = String.valueOf(uri.getScheme());
    if (!scheme.equals("http") && !scheme.equals("https")) {
      throw new IllegalArgumentException("rpc: '" + uri + "' (expected: an http or https URL)");
    }
    return new Rpc(uri, diagnosis);
  }

  public URI uri() {
    return uri;
  }

  public long chainId() {
    return ask(web3j.ethChainId()).getChainId().longValueExact();
  }

  /** Height of a block. */
  public BigInteger height(Block block) {
    return block(block).getNumber();
  }

  /** Time of the newest block, unix seconds. */
  public long time() {
    return block(Block.LATEST).getTimestamp().longValueExact();
  }

  /** Of the native coin, in wei. */
  public BigInteger balance(Address account, Block block) {
    return ask(web3j.ethGetBalance(account.toString(), parameter(block))).getBalance();
  }

  /** Of an ERC-20, in its smallest unit. */
  public BigInteger tokenBalance(Address token, Address account) {
    Function balanceOf =
        new Function(
            "balanceOf",
            List.of(new org.web3j.abi.datatypes.Address(account.toString())),
            List.of());
    String data = FunctionEncoder.encode(balanceOf);
    return Numeric.toBigInt(call(new Call(account, token, BigInteger.ZERO, data)));
  }

  /** How many transactions an account has sent that the newest block has. */
  public BigInteger nonce(Address account) {
    return ask(web3j.ethGetTransactionCount(account.toString(), parameter(Block.LATEST)))
        .getTransactionCount();
  }

  public boolean hasCode(Address contract) {
    return code(contract).length() > 2;
  }

  String code(Address contract) {
    return ask(web3j.ethGetCode(contract.toString(), parameter(Block.LATEST))).getCode();
  }

  Web3j web3j() {
    return web3j;
  }

  EthBlock.Block block(Block block) {
    return ask(web3j.ethGetBlockByNumber(parameter(block), false)).getBlock();
  }

  /** Nonce that counts what waits to be mined as well. */
  BigInteger nextNonce(Address account) {
    return ask(web3j.ethGetTransactionCount(account.toString(), DefaultBlockParameterName.PENDING))
        .getTransactionCount();
  }

  Optional<TransactionReceipt> receipt(Bytes32 transaction) {
    return ask(web3j.ethGetTransactionReceipt(transaction.toString())).getTransactionReceipt();
  }

  /** What a call would answer; 0x and hexadecimal digits. */
  String call(Call call, DefaultBlockParameter at) {
    return requireText(request("eth_call", call.json(), at.getValue()));
  }

  String call(Call call) {
    return call(call, parameter(Block.LATEST));
  }

  /**
   * @param overrides what accounts shall seem to be: {@code code} or {@code nonce}, by address
   */
  BigInteger estimateGas(Call call, Map<Address, Map<String, String>> overrides) {
    List<Object> params = new ArrayList<>(List.of(call.json(), "latest"));
    if (!overrides.isEmpty()) {
      Map<String, Object> json = new LinkedHashMap<>();
      overrides.forEach((address, state) -> json.put(address.toString(), state));
      params.add(json);
    }
    return Numeric.decodeQuantity(requireText(request("eth_estimateGas", params.toArray())));
  }

  /** Any method; the result as JSON values. */
  @Nullable Object request(String method, @Nullable Object... params) {
    return ask(new Request<>(method, Arrays.asList(params), service, Answer.class)).getResult();
  }

  static DefaultBlockParameter parameter(Block block) {
    return switch (block) {
      case LATEST -> DefaultBlockParameterName.LATEST;
      case SAFE -> DefaultBlockParameterName.SAFE;
      case FINALIZED -> DefaultBlockParameterName.FINALIZED;
    };
  }

  <T extends Response<?>> T ask(Request<?, T> request) {
    T answer;
    try {
      answer = request.send();
    } catch (IOException e) {
      String why = diagnosis.get().map(known -> "; " + known).orElse("");
      throw new ChainException(request.getMethod() + " at " + uri + ": " + e + why, e);
    }
    Response.Error error = answer.getError();
    if (error != null) {
      String data = error.getData() == null ? "" : error.getData().replace("\"", "");
      if (data.startsWith("0x")) {
        throw ContractErrors.of(data, error.getMessage());
      }
      throw new ChainException(
          request.getMethod()
              + " at "
              + uri
              + ": "
              + error.getMessage()
              + " ("
              + error.getCode()
              + ")");
    }
    return answer;
  }

  private static String requireText(@Nullable Object result) {
    if (result instanceof String text) {
      return text;
    }
    throw new ChainException("result: " + result + " (expected: a string)");
  }

  @Override
  public void close() {
    web3j.shutdown();
    http.dispatcher().executorService().shutdown();
    http.connectionPool().evictAll();
  }

  /** The answer to any request. */
  static final class Answer extends Response<Object> {}

  /**
   * What eth_call and eth_estimateGas take.
   *
   * @param to null to create a contract
   * @param data 0x and hexadecimal digits
   */
  record Call(Address from, @Nullable Address to, BigInteger value, String data) {
    Map<String, Object> json() {
      Map<String, Object> json = new LinkedHashMap<>();
      json.put("from", from.toString());
      if (to != null) {
        json.put("to", to.toString());
      }
      json.put("value", Numeric.encodeQuantity(value));
      json.put("data", data);
      return json;
    }
  }
}
